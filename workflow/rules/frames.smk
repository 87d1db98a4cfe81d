# frames: one raw exposure → calibrated frame, mask, catalogue, verdict. Two jobs each: pixels
# (overscan, crosstalk, bias, dark, flat, masks) and calibration (astrometry, zero points, screening).
# A broken exposure passes through both as a verdict; it never stops a release.
# Exposures that arrive calibrated (section frames.ingest) take one thin step instead. Frames that an
# earlier release has (build.frames_from) are taken over.

if "ingest" in SETTINGS["frames"]:

    rule frames_ingest:
        input:
            image=lambda wildcards: raw_frame(wildcards.exposure),
            # The first exposure of a tile and band sets the zero point of all.
            first=lambda wildcards: raw_frame(first_exposure(wildcards.exposure)),
        output:
            image=published(frame_files("{exposure}", TREE.image_suffixes)),
            mask=published(frame_files("{exposure}", TREE.mask_suffixes)),
            catalogue=published(TREE.frame("{exposure}", "cat.parquet")),
            verdict=published(TREE.frame("{exposure}", "json")),
            receipt=receipt("frames_ingest", "{exposure}"),
        log:
            f"{RUN}/logs/frames_ingest/{{exposure}}.log",
        benchmark:
            f"{RUN}/benchmarks/frames_ingest/{{exposure}}.tsv"
        conda:
            "../../envs/pixels.yaml"
        resources:
            mem_mb=memory("frames_ingest"),
            runtime=minutes("frames_ingest"),
        params:
            config=CONFIG,
            settings=lambda wildcards: settings(
                "frames", row=EXPOSURES[wildcards.exposure]
            ),
            code=code("frames ingest"),
        shell:
            "python -m skymill frames ingest --config {params.config}"
            " --exposure {wildcards.exposure} --image {input.image:q} --first {input.first:q}"
            " --out-image {output.image} --out-mask {output.mask}"
            " --out-catalogue {output.catalogue} --out-verdict {output.verdict}"
            " --receipt {output.receipt} > {log} 2>&1"

else:

    rule frames_pixels:
        input:
            unpack(masters_of),
            raw=lambda wildcards: raw_frame(wildcards.exposure),
        output:
            image=temp(f"{WORK}/frames/{{exposure}}.pixels.fits"),
            mask=temp(f"{WORK}/frames/{{exposure}}.bits.fits"),
            receipt=receipt("frames_pixels", "{exposure}"),
        log:
            f"{RUN}/logs/frames_pixels/{{exposure}}.log",
        benchmark:
            f"{RUN}/benchmarks/frames_pixels/{{exposure}}.tsv"
        conda:
            "../../envs/pixels.yaml"
        resources:
            mem_mb=memory("frames_pixels"),
            runtime=minutes("frames_pixels"),
        params:
            config=CONFIG,
            masters=lambda wildcards, input: " ".join(
                f"--{kind} {path}" for kind, path in masters_of(wildcards).items()
            ),
            settings=lambda wildcards: settings(
                *({"calibrations"} & SETTINGS.keys()),
                "frames",
                row=EXPOSURES[wildcards.exposure],
            ),
            code=code("frames pixels"),
        shell:
            "python -m skymill frames pixels --config {params.config}"
            " --exposure {wildcards.exposure} --raw {input.raw:q} {params.masters}"
            " --image {output.image} --mask {output.mask}"
            " --receipt {output.receipt} > {log} 2>&1"

    rule frames_calibrate:
        input:
            image=f"{WORK}/frames/{{exposure}}.pixels.fits",
            mask=f"{WORK}/frames/{{exposure}}.bits.fits",
            references=lambda wildcards: imported(
                "gaia",
                photometric_reference(wildcards.exposure),
                *color_catalogue(wildcards.exposure),
            ),
            tie=lambda wildcards: tie_of(wildcards.exposure),
        output:
            image=published(frame_files("{exposure}", TREE.image_suffixes)),
            mask=published(frame_files("{exposure}", TREE.mask_suffixes)),
            catalogue=published(TREE.frame("{exposure}", "cat.parquet")),
            verdict=published(TREE.frame("{exposure}", "json")),
            receipt=receipt("frames_calibrate", "{exposure}"),
        log:
            f"{RUN}/logs/frames_calibrate/{{exposure}}.log",
        benchmark:
            f"{RUN}/benchmarks/frames_calibrate/{{exposure}}.tsv"
        conda:
            "../../envs/pixels.yaml"
        resources:
            mem_mb=memory("frames_calibrate"),
            runtime=minutes("frames_calibrate"),
        params:
            config=CONFIG,
            astrometry=lambda wildcards: exposure_references(
                "gaia", EXPOSURES[wildcards.exposure]["tile"]
            ),
            photometry=lambda wildcards: exposure_references(
                photometric_reference(wildcards.exposure),
                EXPOSURES[wildcards.exposure]["tile"],
            ),
            colors=lambda wildcards: " ".join(color_cells(wildcards.exposure)),
            tie=lambda wildcards, input: " ".join(
                ["--tie", *input.tie] if input.tie else []
            ),
            settings=lambda wildcards: settings(
                "frames", row=EXPOSURES[wildcards.exposure]
            ),
            code=code("frames calibrate"),
        shell:
            "python -m skymill frames calibrate --config {params.config}"
            " --exposure {wildcards.exposure} --image {input.image} --mask {input.mask}"
            " --astrometry {params.astrometry} --photometry {params.photometry}"
            " {params.colors} {params.tie}"
            " --out-image {output.image} --out-mask {output.mask}"
            " --out-catalogue {output.catalogue} --out-verdict {output.verdict}"
            " --receipt {output.receipt} > {log} 2>&1"


if SHARED:

    if "ingest" in SETTINGS["frames"]:

        ruleorder: frames_share > frames_ingest

    else:

        ruleorder: frames_share > frames_pixels
        ruleorder: frames_share > frames_calibrate

    rule frames_share:
        input:
            lambda wildcards: expand(
                f"{EARLIER}/frames/{{exposure}}.{{suffix}}",
                # What isn't there isn't missed: the frame is then made by the other rules.
                exposure=SHARED & {wildcards.exposure} or "made anew",
                suffix=TREE.frame_suffixes,
            ),
        output:
            products=published(frame_files("{exposure}", TREE.frame_suffixes)),
            receipts=[receipt(f"frames_{step}", "{exposure}") for step in FRAME_STEPS],
        log:
            f"{RUN}/logs/frames_share/{{exposure}}.log",
        benchmark:
            f"{RUN}/benchmarks/frames_share/{{exposure}}.tsv"
        conda:
            "../../envs/pixels.yaml"
        resources:
            mem_mb=memory("frames_share"),
            runtime=minutes("frames_share"),
        params:
            config=CONFIG,
            earlier=EARLIER,
            folder=OUT,
            settings=lambda wildcards: settings(
                *({"calibrations"} & SETTINGS.keys()),
                "frames",
                row=EXPOSURES[wildcards.exposure],
            ),
            code=code("frames share"),
        shell:
            "python -m skymill frames share --config {params.config}"
            " --exposure {wildcards.exposure} --earlier {params.earlier:q}"
            " --folder {params.folder} > {log} 2>&1"
