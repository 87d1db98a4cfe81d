# references: external catalogues → local HEALPix cells, checksummed; only the cells that tiles touch.


rule reference_catalogue:
    input:
        source=lambda wildcards: given(f"{DATA}/{CATALOGUES[wildcards.catalogue]}"),
    output:
        cells=[TREE.reference("{catalogue}", cell) for cell in REFERENCE_CELLS],
        receipt=receipt("reference_catalogue", "{catalogue}"),
    log:
        f"{RUN}/logs/reference_catalogue/{{catalogue}}.log",
    benchmark:
        f"{RUN}/benchmarks/reference_catalogue/{{catalogue}}.tsv"
    conda:
        "../../envs/catalogue.yaml"
    resources:
        mem_mb=2000,
    params:
        config=CONFIG,
        numbers=REFERENCE_CELLS,
        folder=lambda wildcards: f"{DATA}/reference/{wildcards.catalogue}",
        settings=settings("references"),
    shell:
        "python -m skymill references import --config {params.config}"
        " --catalogue {wildcards.catalogue} --source {input.source}"
        " --cells {params.numbers} --folder {params.folder}"
        " --receipt {output.receipt} > {log} 2>&1"
