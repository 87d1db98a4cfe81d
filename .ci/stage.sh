# What the stages share; sourced from the project's folder, by root, through sudo or by a user of sudo.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
unset PYTHONDONTWRITEBYTECODE
MICRO=(--configfile "$PWD/config/config.yaml" "$PWD/config/micro.yaml")

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {  # those that are there are left as they are, and no server is asked
    local wanted=(make python3-venv "$@")
    if [ "$(dpkg-query --show --showformat '${db:Status-Status}\n' "${wanted[@]}" 2> /dev/null |
        grep -c '^installed$')" = ${#wanted[@]} ]; then return; fi
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends "${wanted[@]}" > /dev/null
}

# The environment, and the micro release built in it, as the README's commands leave them: what
# other ways of building it are compared with. Current ones are left as they are.
build_reference() {
    make --silent setup
    export PATH="$PWD/.venv/bin:$PATH"
    snakemake --cores all --quiet all "${MICRO[@]}"
}

# usage: same_release FOLDER     whether the micro release built there equals the reference
same_release() {
    cmp results/micro/manifest.json "$1/results/micro/manifest.json"
    cmp results/micro/manifest.parquet "$1/results/micro/manifest.parquet"
    (cd "$1" && skymill release verify --config results/micro/run/config.yaml)
}

say() {
    echo "::: $(date +%T) $*"
}
