# sources: the stacks of a tile → calibration maps, homogenised stacks, catalogues. Sources are
# measured on the unscaled stack and calibrated by the maps; the published stack is scaled by them.


rule single:
    input:
        image=TREE.unscaled("{tile}", "{band}", "image"),
        variance=TREE.unscaled("{tile}", "{band}", "variance"),
        mask=TREE.stack("{tile}", "{band}", "mask"),
        epoch=TREE.unscaled("{tile}", "{band}", "epoch"),
        nexp=TREE.stack("{tile}", "{band}", "nexp"),
        references=imported("gaiaxp"),
        verdicts=lambda wildcards: [
            TREE.frame(exposure, "json")
            for exposure in FRAMES[wildcards.tile, wildcards.band]
        ],
    output:
        image=published(TREE.stack("{tile}", "{band}", "image")),
        variance=published(TREE.stack("{tile}", "{band}", "variance")),
        catalogue=temp(f"{WORK}/sources/{{tile}}/single_{{band}}.parquet"),
        row=temp(f"{WORK}/stacks/{{tile}}/{{band}}/row.json"),
        extract=receipt("sources_extract", "{tile}.{band}"),
        maps=receipt("sources_maps", "{tile}.{band}.single"),
        homogenise=receipt("sources_homogenise", "{tile}.{band}"),
        zp=published(TREE.maps("{tile}", "{band}", "single", PHOTOMETRIC_MAPS)),
        align=published(TREE.maps("{tile}", "{band}", "single", ASTROMETRIC_MAPS)),
    log:
        f"{RUN}/logs/single/{{tile}}.{{band}}.log",
    benchmark:
        f"{RUN}/benchmarks/single/{{tile}}.{{band}}.tsv"
    conda:
        "../../envs/sources.yaml"
    resources:
        mem_mb=memory("single"),
        runtime=minutes("single"),
    params:
        config=CONFIG,
        folder=lambda wildcards: f"{OUT}/maps/{wildcards.tile}",
        reference=lambda wildcards: references("gaiaxp", wildcards.tile),
        settings=settings("tiles", "sources"),
        code=code("sources extract", "sources maps", "sources homogenise"),
    shell:
        "(python -m skymill sources extract --config {params.config}"
        " --tile {wildcards.tile} --band {wildcards.band}"
        " --image {input.image} --variance {input.variance}"
        " --mask {input.mask} --epoch {input.epoch}"
        " --catalogue {output.catalogue} --receipt {output.extract}"
        " && python -m skymill sources maps --config {params.config}"
        " --tile {wildcards.tile} --band {wildcards.band} --mode single"
        " --catalogue {output.catalogue} --reference {params.reference}"
        " --verdicts {input.verdicts} --folder {params.folder} --receipt {output.maps}"
        " && python -m skymill sources homogenise --config {params.config}"
        " --tile {wildcards.tile} --band {wildcards.band}"
        " --image {input.image} --variance {input.variance}"
        " --mask {input.mask} --nexp {input.nexp}"
        " --catalogue {output.catalogue} --maps {params.folder}"
        " --out-image {output.image} --out-variance {output.variance} --row {output.row}"
        " --receipt {output.homogenise}) > {log} 2>&1"


rule stack_table:
    input:
        rows=lambda wildcards: [
            f"{WORK}/stacks/{tile}/{band}/row.json" for tile in TILES for band in BANDS
        ],
        spurious=lambda wildcards: [
            f"{WORK}/stacks/{tile}/spurious.json" for tile in TILES
        ],
    output:
        table=published(f"{OUT}/stacks/stacks.parquet"),
        receipt=receipt("stack_table", RELEASE),
    log:
        f"{RUN}/logs/stack_table.log",
    benchmark:
        f"{RUN}/benchmarks/stack_table.tsv"
    conda:
        "../../envs/catalogue.yaml"
    resources:
        mem_mb=memory("stack_table"),
        runtime=minutes("stack_table"),
    params:
        config=CONFIG,
        folder=lambda wildcards, input: Path(input.rows[0]).parents[2],
        settings=settings("tiles", "sources"),
        code=code("sources table"),
    shell:
        "python -m skymill sources table --config {params.config} --folder {params.folder}"
        " --out {output.table} --receipt {output.receipt} > {log} 2>&1"


rule idual:
    input:
        images=expand(TREE.unscaled("{{tile}}", "{band}", "image"), band=BANDS),
        variances=expand(TREE.unscaled("{{tile}}", "{band}", "variance"), band=BANDS),
        masks=expand(TREE.stack("{{tile}}", "{band}", "mask"), band=BANDS),
        epochs=expand(TREE.unscaled("{{tile}}", "{band}", "epoch"), band=BANDS),
        references=imported("gaiaxp"),
        verdicts=lambda wildcards: [
            TREE.frame(exposure, "json")
            for band in BANDS
            for exposure in FRAMES[wildcards.tile, band]
        ],
    output:
        catalogue=temp(f"{WORK}/sources/{{tile}}/Idual.parquet"),
        forced=receipt("sources_forced", "{tile}"),
        maps=receipt("sources_maps", "{tile}.Idual"),
        zp=published(
            [
                path
                for band in BANDS
                for path in TREE.maps("{tile}", band, "Idual", PHOTOMETRIC_MAPS)
            ]
        ),
        align=published(
            [
                path
                for band in BANDS
                for path in TREE.maps("{tile}", band, "Idual", ASTROMETRIC_MAPS)
            ]
        ),
    log:
        f"{RUN}/logs/idual/{{tile}}.log",
    benchmark:
        f"{RUN}/benchmarks/idual/{{tile}}.tsv"
    conda:
        "../../envs/sources.yaml"
    resources:
        mem_mb=memory("idual"),
        runtime=minutes("idual"),
    params:
        config=CONFIG,
        bands=BANDS,
        folder=lambda wildcards: f"{OUT}/maps/{wildcards.tile}",
        reference=lambda wildcards: references("gaiaxp", wildcards.tile),
        settings=settings("tiles", "sources"),
        code=code("sources forced", "sources maps"),
    shell:
        "(python -m skymill sources forced --config {params.config}"
        " --tile {wildcards.tile} --bands {params.bands}"
        " --images {input.images} --variances {input.variances}"
        " --masks {input.masks} --epochs {input.epochs}"
        " --catalogue {output.catalogue} --receipt {output.forced}"
        " && python -m skymill sources maps --config {params.config}"
        " --tile {wildcards.tile} --band {params.bands} --mode Idual"
        " --catalogue {output.catalogue} --reference {params.reference}"
        " --verdicts {input.verdicts} --folder {params.folder} --receipt {output.maps})"
        " > {log} 2>&1"


rule tile_catalogues:
    input:
        single=expand(
            f"{WORK}/sources/{{{{tile}}}}/single_{{band}}.parquet", band=BANDS
        ),
        idual=f"{WORK}/sources/{{tile}}/Idual.parquet",
        nexps=expand(TREE.stack("{{tile}}", "{band}", "nexp"), band=BANDS),
        # The maps, by their receipts: a plan has 128 files fewer to follow per tile.
        maps=[receipt("sources_maps", name) for name in map_units("{tile}")],
        references=imported("pool", "gaiaxp"),
    output:
        single=published(
            expand(TREE.catalogue("{{tile}}", "single_{band}"), band=BANDS)
        ),
        idual=published(TREE.catalogue("{tile}", "Idual")),
        completeness=published(TREE.completeness("{tile}")),
        spurious=temp(f"{WORK}/stacks/{{tile}}/spurious.json"),
        receipt=receipt("tile_catalogues", "{tile}"),
    log:
        f"{RUN}/logs/tile_catalogues/{{tile}}.log",
    benchmark:
        f"{RUN}/benchmarks/tile_catalogues/{{tile}}.tsv"
    conda:
        "../../envs/sources.yaml"
    resources:
        mem_mb=memory("tile_catalogues"),
        runtime=minutes("tile_catalogues"),
    params:
        config=CONFIG,
        bands=BANDS,
        folder=lambda wildcards: f"{OUT}/maps/{wildcards.tile}",
        # Made before the stacks, which have read them too.
        verdicts=lambda wildcards: [
            TREE.frame(exposure, "json")
            for band in BANDS
            for exposure in FRAMES[wildcards.tile, band]
        ],
        pool=lambda wildcards: references("pool", wildcards.tile),
        reference=lambda wildcards: references("gaiaxp", wildcards.tile),
        settings=settings("tiles", "sources"),
        code=code("sources finish"),
    shell:
        "python -m skymill sources finish --config {params.config}"
        " --tile {wildcards.tile} --bands {params.bands}"
        " --single {input.single} --idual {input.idual} --nexps {input.nexps}"
        " --maps {params.folder}"
        " --verdicts {params.verdicts} --pool {params.pool} --reference {params.reference}"
        " --out-single {output.single} --out-idual {output.idual}"
        " --out-completeness {output.completeness} --out-spurious {output.spurious}"
        " --receipt {output.receipt} > {log} 2>&1"


rule injection:
    input:
        image=TREE.stack("{tile}", "{band}", "image"),
        variance=TREE.stack("{tile}", "{band}", "variance"),
        mask=TREE.stack("{tile}", "{band}", "mask"),
        nexp=TREE.stack("{tile}", "{band}", "nexp"),
    output:
        table=published(TREE.injected("{tile}", "{band}")[0]),
        summary=published(TREE.injected("{tile}", "{band}")[1]),
        receipt=receipt("injection", "{tile}.{band}"),
    log:
        f"{RUN}/logs/injection/{{tile}}.{{band}}.log",
    benchmark:
        f"{RUN}/benchmarks/injection/{{tile}}.{{band}}.tsv"
    conda:
        "../../envs/sources.yaml"
    resources:
        mem_mb=memory("injection"),
        runtime=minutes("injection"),
    params:
        config=CONFIG,
        settings=settings("tiles", "sources", injection=INJECTION),
        code=code("sources inject"),
    shell:
        "python -m skymill sources inject --config {params.config}"
        " --tile {wildcards.tile} --band {wildcards.band}"
        " --image {input.image} --variance {input.variance}"
        " --mask {input.mask} --nexp {input.nexp}"
        " --out {output.table} --summary {output.summary}"
        " --receipt {output.receipt} > {log} 2>&1"


rule injection_plot:
    input:
        injected=lambda wildcards: injected(wildcards.tile),
    output:
        picture=published(TREE.injected_plot("{tile}")),
        receipt=receipt("injection_plot", "{tile}"),
    log:
        f"{RUN}/logs/injection_plot/{{tile}}.log",
    benchmark:
        f"{RUN}/benchmarks/injection_plot/{{tile}}.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=memory("injection_plot"),
        runtime=minutes("injection_plot"),
    params:
        config=CONFIG,
        tables=lambda wildcards: [
            TREE.injected(wildcards.tile, band)[0] for band in BANDS
        ],
        code=code("sources plot"),
    shell:
        "python -m skymill sources plot --config {params.config} --tile {wildcards.tile}"
        " --tables {params.tables} --out {output.picture}"
        " --receipt {output.receipt} > {log} 2>&1"


# Not part of a release: makes the network behind CLASS_STAR anew, to be compared with the one that
# is shipped, resources/stellarity/stellarity_model.yaml, or to be put in its place.
rule stellarity_model:
    input:
        training=f"{workflow.basedir}/resources/stellarity/training.yaml",
    output:
        model=f"{WORK}/sources/stellarity_model.yaml",
    log:
        f"{RUN}/logs/stellarity_model.log",
    benchmark:
        f"{RUN}/benchmarks/stellarity_model.tsv"
    conda:
        "../../envs/sources.yaml"
    resources:
        mem_mb=memory("stellarity_model"),
        runtime=minutes("stellarity_model"),
    params:
        config=CONFIG,
        settings=settings("sources"),
        code=code("sources train"),
    shell:
        "python -m skymill sources train --config {params.config}"
        " --training {input.training} --out {output.model} > {log} 2>&1"
