"""Builders for tensorflow-datasets that read the files as their authors publish them; no TensorFlow is needed.

They write array_record in the order of the files, keep what was published (both cameras, all splits, the full
size), and name the features as tensorflow-datasets does where it has the set. Importing this package imports
tensorflow-datasets. `data.published.originals` prepares them for the study.
"""
