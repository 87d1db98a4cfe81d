# simulate: a survey with known truth, where the configuration asks for one. Nothing downstream
# reads data/<release>/truth.
if "simulate" in SETTINGS:

    rule simulate_sky:
        output:
            sources=published(f"{DATA}/truth/sources.parquet"),
            catalogues=published([f"{DATA}/{path}" for path in CATALOGUES.values()]),
            dust=published(
                expand(
                    f"{DATA}/{SETTINGS['references']['dust']}/SFD_dust_4096_{{pole}}.fits",
                    pole=["ngp", "sgp"],
                )
            ),
            receipt=receipt("simulate_sky", RELEASE),
        log:
            f"{RUN}/logs/simulate_sky.log",
        benchmark:
            f"{RUN}/benchmarks/simulate_sky.tsv"
        conda:
            "../../envs/simulate.yaml"
        resources:
            mem_mb=memory("simulate_sky"),
            runtime=minutes("simulate_sky"),
        params:
            config=CONFIG,
            data=subpath(output.sources, ancestor=2),
            settings=settings("references", "simulate", tiles=TILES),
            code=code("simulate sky"),
        shell:
            "python -m skymill simulate sky --config {params.config} --data {params.data}"
            " --receipt {output.receipt} > {log} 2>&1"

    rule simulate_exposure:
        input:
            sources=f"{DATA}/truth/sources.parquet",
        output:
            raw=published(f"{DATA}/raw/{{exposure}}.fits"),
            truth=published(f"{DATA}/truth/exposures/{{exposure}}.json"),
            artefacts=published(
                f"{DATA}/truth/exposures/{{exposure}}.artefacts.parquet"
            ),
            receipt=receipt("simulate_exposure", "{exposure}"),
        log:
            f"{RUN}/logs/simulate_exposure/{{exposure}}.log",
        benchmark:
            f"{RUN}/benchmarks/simulate_exposure/{{exposure}}.tsv"
        conda:
            "../../envs/simulate.yaml"
        resources:
            mem_mb=memory("simulate_exposure"),
            runtime=minutes("simulate_exposure"),
        params:
            config=CONFIG,
            settings=lambda wildcards: settings(
                "simulate", row=EXPOSURES[wildcards.exposure]
            ),
            code=code("simulate exposure"),
        shell:
            "python -m skymill simulate exposure --config {params.config}"
            " --exposure {wildcards.exposure} --sources {input.sources} --raw {output.raw}"
            " --truth {output.truth} --artefacts {output.artefacts}"
            " --receipt {output.receipt} > {log} 2>&1"

    rule simulate_calibration:
        output:
            raw=published(f"{DATA}/raw/calibration/{{frame}}.fits"),
            receipt=receipt("simulate_calibration", "{frame}"),
        log:
            f"{RUN}/logs/simulate_calibration/{{frame}}.log",
        benchmark:
            f"{RUN}/benchmarks/simulate_calibration/{{frame}}.tsv"
        conda:
            "../../envs/simulate.yaml"
        resources:
            mem_mb=memory("simulate_calibration"),
            runtime=minutes("simulate_calibration"),
        params:
            config=CONFIG,
            settings=lambda wildcards: settings(
                "simulate", row=CALIBRATIONS[wildcards.frame]
            ),
            code=code("simulate calibration"),
        shell:
            "python -m skymill simulate calibration --config {params.config}"
            " --frame {wildcards.frame} --raw {output.raw}"
            " --receipt {output.receipt} > {log} 2>&1"
