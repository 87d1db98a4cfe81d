# references: external catalogues → local HEALPix cells, checksummed; only the cells that tiles touch. The rule reads local
# files alone, downloaded or imported beforehand: it never asks the network.
from skymill.references.survey import import_settings


rule reference_catalogue:
    input:
        source=lambda wildcards: given(f"{DATA}/{CATALOGUES[wildcards.catalogue]}"),
    output:
        # What is looked for most stands first: a plan tries the outputs in turn.
        receipt=receipt("reference_catalogue", "{catalogue}"),
        record=published(f"{DATA}/reference/{{catalogue}}/record.json"),
        cells=published(
            [TREE.reference("{catalogue}", cell) for cell in REFERENCE_CELLS]
        ),
    log:
        f"{RUN}/logs/reference_catalogue/{{catalogue}}.log",
    benchmark:
        f"{RUN}/benchmarks/reference_catalogue/{{catalogue}}.tsv"
    conda:
        "../../envs/catalogue.yaml"
    resources:
        mem_mb=memory("reference_catalogue"),
        runtime=minutes("reference_catalogue"),
    params:
        config=CONFIG,
        numbers=REFERENCE_CELLS,
        folder=lambda wildcards: f"{DATA}/reference/{wildcards.catalogue}",
        settings=lambda wildcards: settings(
            references=import_settings(SETTINGS["references"], wildcards.catalogue)
        ),
        code=code("references import"),
    shell:
        "python -m skymill references import --config {params.config}"
        " --catalogue {wildcards.catalogue} --source {input.source:q}"
        " --cells {params.numbers} --folder {params.folder}"
        " --receipt {output.receipt} > {log} 2>&1"
