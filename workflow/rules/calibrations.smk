# calibrations: the calibration frames of a site and run → masters. Absent where frames arrive reduced.
if "calibrations" in SETTINGS:

    rule master_bias:
        input:
            frames=lambda wildcards: MASTERS[wildcards.site, wildcards.run, "bias", ""],
        output:
            bias=published(TREE.calib("{site}", "{run}", "bias.fits")),
            receipt=receipt("master_bias", "{site}.{run}"),
        log:
            f"{RUN}/logs/master_bias/{{site}}.{{run}}.log",
        benchmark:
            f"{RUN}/benchmarks/master_bias/{{site}}.{{run}}.tsv"
        conda:
            "../../envs/pixels.yaml"
        resources:
            mem_mb=memory("master_bias"),
            runtime=minutes("master_bias"),
        params:
            config=CONFIG,
            settings=settings("calibrations"),
            code=code("calibrations bias"),
        shell:
            "python -m skymill calibrations bias --config {params.config}"
            " --site {wildcards.site}"
            " --frames {input.frames:q}"
            " --out {output.bias}"
            " --receipt {output.receipt} > {log} 2>&1"

    rule slopes:
        input:
            bias=lambda wildcards: MASTERS[wildcards.site, wildcards.run, "bias", ""],
            flats=lambda wildcards: [
                frame
                for (site, run, kind, _), frames in MASTERS.items()
                if (site, run, kind) == (wildcards.site, wildcards.run, "flat")
                for frame in frames
            ],
        output:
            slopes=published(TREE.calib("{site}", "{run}", "slopes.json")),
            receipt=receipt("slopes", "{site}.{run}"),
        log:
            f"{RUN}/logs/slopes/{{site}}.{{run}}.log",
        benchmark:
            f"{RUN}/benchmarks/slopes/{{site}}.{{run}}.tsv"
        conda:
            "../../envs/pixels.yaml"
        resources:
            mem_mb=memory("slopes"),
            runtime=minutes("slopes"),
        params:
            config=CONFIG,
            settings=settings("calibrations"),
            code=code("calibrations slopes"),
        shell:
            "python -m skymill calibrations slopes --config {params.config}"
            " --site {wildcards.site}"
            " --bias {input.bias} --flats {input.flats:q}"
            " --out {output.slopes}"
            " --receipt {output.receipt} > {log} 2>&1"

    rule master_dark:
        input:
            bias=TREE.calib("{site}", "{run}", "bias.fits"),
            frames=lambda wildcards: MASTERS[wildcards.site, wildcards.run, "dark", ""],
        output:
            dark=published(TREE.calib("{site}", "{run}", "dark.fits")),
            receipt=receipt("master_dark", "{site}.{run}"),
        log:
            f"{RUN}/logs/master_dark/{{site}}.{{run}}.log",
        benchmark:
            f"{RUN}/benchmarks/master_dark/{{site}}.{{run}}.tsv"
        conda:
            "../../envs/pixels.yaml"
        resources:
            mem_mb=memory("master_dark"),
            runtime=minutes("master_dark"),
        params:
            config=CONFIG,
            settings=settings("calibrations"),
            code=code("calibrations dark"),
        shell:
            "python -m skymill calibrations dark --config {params.config}"
            " --site {wildcards.site}"
            " --bias {input.bias} --frames {input.frames:q}"
            " --out {output.dark}"
            " --receipt {output.receipt} > {log} 2>&1"

    rule master_flat:
        input:
            bias=TREE.calib("{site}", "{run}", "bias.fits"),
            dark=TREE.calib("{site}", "{run}", "dark.fits"),
            frames=lambda wildcards: MASTERS[
                wildcards.site, wildcards.run, "flat", wildcards.band
            ],
        output:
            flat=published(TREE.calib("{site}", "{run}", "flat_{band}.fits")),
            receipt=receipt("master_flat", "{site}.{run}.{band}"),
        log:
            f"{RUN}/logs/master_flat/{{site}}.{{run}}.{{band}}.log",
        benchmark:
            f"{RUN}/benchmarks/master_flat/{{site}}.{{run}}.{{band}}.tsv"
        conda:
            "../../envs/pixels.yaml"
        resources:
            mem_mb=memory("master_flat"),
            runtime=minutes("master_flat"),
        params:
            config=CONFIG,
            settings=settings("calibrations"),
            code=code("calibrations flat"),
        shell:
            "python -m skymill calibrations flat --config {params.config}"
            " --site {wildcards.site}"
            " --bias {input.bias} --dark {input.dark} --frames {input.frames:q}"
            " --out {output.flat}"
            " --receipt {output.receipt} > {log} 2>&1"

    rule defects:
        input:
            bias=TREE.calib("{site}", "{run}", "bias.fits"),
            dark=TREE.calib("{site}", "{run}", "dark.fits"),
            flats=lambda wildcards: [
                TREE.calib(wildcards.site, wildcards.run, f"flat_{band}.fits")
                for band in BANDS
                if (wildcards.site, wildcards.run, "flat", band) in MASTERS
            ],
        output:
            defects=published(TREE.calib("{site}", "{run}", "defects.fits")),
            receipt=receipt("defects", "{site}.{run}"),
        log:
            f"{RUN}/logs/defects/{{site}}.{{run}}.log",
        benchmark:
            f"{RUN}/benchmarks/defects/{{site}}.{{run}}.tsv"
        conda:
            "../../envs/pixels.yaml"
        resources:
            mem_mb=memory("defects"),
            runtime=minutes("defects"),
        params:
            config=CONFIG,
            settings=settings("calibrations"),
            code=code("calibrations defects"),
        shell:
            "python -m skymill calibrations defects --config {params.config}"
            " --site {wildcards.site}"
            " --bias {input.bias} --dark {input.dark} --flats {input.flats:q}"
            " --out {output.defects}"
            " --receipt {output.receipt} > {log} 2>&1"

    rule crosstalk:
        input:
            bias=TREE.calib("{site}", "{run}", "bias.fits"),
            defects=TREE.calib("{site}", "{run}", "defects.fits"),
            fields=lambda wildcards: [
                frame
                for (site, run, kind, _), frames in MASTERS.items()
                if (site, run, kind) == (wildcards.site, wildcards.run, "field")
                for frame in frames
            ],
        output:
            crosstalk=published(TREE.calib("{site}", "{run}", "crosstalk.json")),
            receipt=receipt("crosstalk", "{site}.{run}"),
        log:
            f"{RUN}/logs/crosstalk/{{site}}.{{run}}.log",
        benchmark:
            f"{RUN}/benchmarks/crosstalk/{{site}}.{{run}}.tsv"
        conda:
            "../../envs/pixels.yaml"
        resources:
            mem_mb=memory("crosstalk"),
            runtime=minutes("crosstalk"),
        params:
            config=CONFIG,
            settings=settings("calibrations"),
            code=code("calibrations crosstalk"),
        shell:
            "python -m skymill calibrations crosstalk --config {params.config}"
            " --site {wildcards.site}"
            " --bias {input.bias} --defects {input.defects} --fields {input.fields}"
            " --out {output.crosstalk}"
            " --receipt {output.receipt} > {log} 2>&1"
