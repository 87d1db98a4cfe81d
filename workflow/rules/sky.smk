# sky: the homogenised stacks → HiPS per band and in colour, MOC, viewer. A cell's job writes the HiPS
# tiles inside that cell, and a record of them, which stands for them in the graph and the manifest.


rule hips_cell:
    input:
        images=lambda wildcards: [
            TREE.stack(tile, band, "image")
            for tile in SKY_TILES[int(wildcards.cell)]
            for band in BANDS
        ],
    output:
        record=published(f"{OUT}/hips/cells/{{cell}}.parquet"),
        coverage=published(f"{OUT}/moc/cells/{{cell}}.parquet"),
        receipt=receipt("hips_cell", "{cell}"),
    log:
        f"{RUN}/logs/hips_cell/{{cell}}.log",
    benchmark:
        f"{RUN}/benchmarks/hips_cell/{{cell}}.tsv"
    conda:
        "../../envs/sky.yaml"
    resources:
        mem_mb=memory("hips_cell"),
        runtime=minutes("hips_cell"),
    params:
        config=CONFIG,
        folder=subpath(output.record, ancestor=2),
        # Made before the images, which are made from the same stacks.
        nexps=lambda wildcards: [
            TREE.stack(tile, band, "nexp")
            for tile in SKY_TILES[int(wildcards.cell)]
            for band in BANDS
        ],
        settings=settings("tiles", "sky"),
        code=code("sky cell"),
    shell:
        "python -m skymill sky cell --config {params.config} --cell {wildcards.cell}"
        " --images {input.images} --nexps {params.nexps} --folder {params.folder}"
        " --record {output.record} --coverage {output.coverage}"
        " --receipt {output.receipt} > {log} 2>&1"


rule hips:
    input:
        records=lambda wildcards: [
            f"{OUT}/hips/cells/{cell}.parquet" for cell in SKY_TILES
        ],
        coverages=lambda wildcards: [
            f"{OUT}/moc/cells/{cell}.parquet" for cell in SKY_TILES
        ],
    output:
        properties=published(expand(f"{OUT}/hips/{{map}}/properties", map=HIPS_MAPS)),
        mocs=published(expand(f"{OUT}/hips/{{map}}/Moc.fits", map=HIPS_MAPS)),
        coverage=published(expand(f"{OUT}/moc/{{band}}.fits", band=[*BANDS, RELEASE])),
        record=published(f"{OUT}/hips/cells/all.parquet"),
        receipt=receipt("hips", RELEASE),
    log:
        f"{RUN}/logs/hips.log",
    benchmark:
        f"{RUN}/benchmarks/hips.tsv"
    conda:
        "../../envs/sky.yaml"
    resources:
        mem_mb=memory("hips"),
        runtime=minutes("hips"),
    params:
        config=CONFIG,
        cells=list(SKY_TILES),
        folder=subpath(output.record, ancestor=2),
        moc=lambda wildcards, output: Path(output.coverage[0]).parent,
        settings=settings("release", "sky"),
        code=code("sky hips"),
    shell:
        "python -m skymill sky hips --config {params.config} --cells {params.cells}"
        " --folder {params.folder} --moc {params.moc}"
        " --record {output.record} --receipt {output.receipt} > {log} 2>&1"


rule viewer:
    input:
        properties=expand(f"{OUT}/hips/{{map}}/properties", map=HIPS_MAPS),
        page=f"{workflow.basedir}/resources/viewer/index.html",
    output:
        page=published(f"{OUT}/www/index.html"),
        receipt=receipt("viewer", RELEASE),
    log:
        f"{RUN}/logs/viewer.log",
    benchmark:
        f"{RUN}/benchmarks/viewer.tsv"
    conda:
        "../../envs/sky.yaml"
    resources:
        mem_mb=memory("viewer"),
        runtime=minutes("viewer"),
    params:
        config=CONFIG,
        folder=lambda wildcards, input: Path(input.properties[0]).parents[1],
        settings=settings("release", "sky"),
        code=code("sky viewer"),
    shell:
        "python -m skymill sky viewer --config {params.config} --page {input.page:q}"
        " --folder {params.folder} --out {output.page}"
        " --receipt {output.receipt} > {log} 2>&1"
