"""Schedules that can be followed by hand."""

import pytest

from skymill.plan.costs import Need
from skymill.plan.job import Job
from skymill.plan.schedule import longest_path, simulate


def job(rule: str, *after: int) -> Job:
    return Job(rule, {}, after, after)


def need(seconds: float, kept: float = 0.0, temporary: float = 0.0) -> Need:
    return Need(seconds, 1.0, kept, temporary)


def test_the_longest_path_is_the_one_that_takes_longest_not_the_one_with_most_jobs():
    jobs = [job("a"), job("b"), job("c", 0, 1), job("d", 0)]
    needs = [need(1), need(5), need(1), need(9)]
    assert longest_path(jobs, needs) == [0, 3]
    assert longest_path(jobs, [*needs[:3], need(4)]) == [1, 2]
    assert longest_path([], []) == []


def test_more_cores_shorten_a_run_down_to_its_longest_path():
    jobs = [*(job("frame") for _ in range(6)), job("stack", *range(6))]
    needs = [need(2)] * 6 + [need(3)]
    assert [simulate(jobs, needs, cores).seconds for cores in (1, 2, 3, 6, 64)] == [15, 9, 7, 5, 5]


def test_a_temporary_file_goes_when_its_last_user_has_ended():
    jobs = [job("make"), job("use", 0), job("use", 0), job("end", 1, 2)]
    needs = [need(1, 0, 100), need(1, 1), need(1, 1), need(1, 5)]
    run = simulate(jobs, needs, 1)
    assert run.peak == 102
    assert run.kept == 7


def test_a_job_that_waits_for_another_without_its_temporary_file_does_not_keep_it():
    """As the manifest, which waits for every job's receipt."""
    jobs = [job("make"), job("use", 0), Job("manifest", {}, (0, 1), ())]
    run = simulate(jobs, [need(1, 0, 100), need(1), need(1, 50)], 1)
    assert run.peak == 100


def test_jobs_that_free_most_disk_come_first():
    """Pairs of a maker and a user: on one core, one temporary file at a time."""
    jobs = [j for n in range(50) for j in (job("make"), job("use", 2 * n))]
    run = simulate(jobs, [need(1, 0, 10), need(1)] * 50, 1)
    assert run.peak == 10


@pytest.mark.parametrize("cores", [1, 7])
def test_the_same_plan_says_the_same_although_it_samples(cores):
    jobs = [j for n in range(400) for j in (job("make"), job("use", 2 * n))]
    needs = [need(1 + n % 3, 1, 10) for n in range(800)]
    assert simulate(jobs, needs, cores) == simulate(jobs, needs, cores)
