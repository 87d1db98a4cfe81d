# environments: what holds for every rule above, whichever way it gets its packages.
from snakemake.settings.types import DeploymentMethod

from skymill.environments import check_pins, versions_hash

# A rule runs again when the versions in its environment change. Whether they come by conda, in a
# container or in the virtual environment doesn't count (profile: rerun-triggers): the bytes are the
# same.
for item in workflow.rules:
    if item.conda_env:
        yaml = Path(workflow.basedir, "envs", Path(str(item.conda_env)).name)
        item.set_params(environment=versions_hash(yaml))


def check_environments():
    """Stop if conda made an environment from anything but its pin; called once all are made."""
    if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
        environments = [env for env in workflow.dag.conda_envs.values() if env.pin_file]
        check_pins(
            {
                env.pin_file.get_path_or_uri(secret_free=True): env.address
                for env in environments
            }
        )
