"""The sky room: stacks → HiPS in each band and in colour, MOC, viewer."""
