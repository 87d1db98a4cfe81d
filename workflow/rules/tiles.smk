# tiles: the frames of a tile and band → the planes of its stack, on the tile's fixed grid. All
# candidate frames are inputs; those whose verdict passes are used. Beside it, if tiles.warps is on,
# each of them alone.


rule stack:
    input:
        images=lambda wildcards: [
            path
            for exposure in FRAMES[wildcards.tile, wildcards.band]
            for path in frame_files(exposure, TREE.image_suffixes)
        ],
        masks=lambda wildcards: [
            path
            for exposure in FRAMES[wildcards.tile, wildcards.band]
            for path in frame_files(exposure, TREE.mask_suffixes)
        ],
        verdicts=lambda wildcards: [
            TREE.frame(exposure, "json")
            for exposure in FRAMES[wildcards.tile, wildcards.band]
        ],
    output:
        image=temp(TREE.unscaled("{tile}", "{band}", "image")),
        variance=temp(TREE.unscaled("{tile}", "{band}", "variance")),
        mask=published(TREE.stack("{tile}", "{band}", "mask")),
        nexp=published(TREE.stack("{tile}", "{band}", "nexp")),
        exptime=published(TREE.stack("{tile}", "{band}", "exptime")),
        epoch=temp(TREE.unscaled("{tile}", "{band}", "epoch")),
        mjd=published(TREE.stack("{tile}", "{band}", "mjd")),
        receipt=receipt("stack", "{tile}.{band}"),
    log:
        f"{RUN}/logs/stack/{{tile}}.{{band}}.log",
    benchmark:
        f"{RUN}/benchmarks/stack/{{tile}}.{{band}}.tsv"
    conda:
        "../../envs/pixels.yaml"
    resources:
        mem_mb=memory("stack"),
        runtime=minutes("stack"),
    params:
        config=CONFIG,
        settings=lambda wildcards: settings("tiles", row=TILES[wildcards.tile]),
        code=code("tiles combine"),
    shell:
        "python -m skymill tiles combine --config {params.config}"
        " --tile {wildcards.tile} --band {wildcards.band}"
        " --images {input.images} --masks {input.masks} --verdicts {input.verdicts}"
        " --out-image {output.image} --out-variance {output.variance}"
        " --out-mask {output.mask} --out-nexp {output.nexp}"
        " --out-exptime {output.exptime} --out-epoch {output.epoch} --out-mjd {output.mjd}"
        " --receipt {output.receipt} > {log} 2>&1"


rule warp:
    input:
        images=frame_files("{exposure}", TREE.image_suffixes),
        masks=frame_files("{exposure}", TREE.mask_suffixes),
        verdict=TREE.frame("{exposure}", "json"),
    output:
        image=published(TREE.warp("{tile}", "{band}", "{exposure}", "image")),
        variance=published(TREE.warp("{tile}", "{band}", "{exposure}", "variance")),
        mask=published(TREE.warp("{tile}", "{band}", "{exposure}", "mask")),
        receipt=receipt("warp", "{tile}.{band}.{exposure}"),
    log:
        f"{RUN}/logs/warp/{{tile}}.{{band}}.{{exposure}}.log",
    benchmark:
        f"{RUN}/benchmarks/warp/{{tile}}.{{band}}.{{exposure}}.tsv"
    conda:
        "../../envs/pixels.yaml"
    resources:
        mem_mb=memory("warp"),
        runtime=minutes("warp"),
    params:
        config=CONFIG,
        settings=lambda wildcards: settings("tiles", row=TILES[wildcards.tile]),
        code=code("tiles warp"),
    shell:
        "python -m skymill tiles warp --config {params.config}"
        " --tile {wildcards.tile} --band {wildcards.band}"
        " --images {input.images} --masks {input.masks} --verdict {input.verdict}"
        " --out-image {output.image} --out-variance {output.variance}"
        " --out-mask {output.mask} --receipt {output.receipt} > {log} 2>&1"
