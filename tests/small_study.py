"""Sweeps that tests run: SMALL from end to end, once a session, and by what compares another way of running it; TINY,
which is made in seconds, with bindings of a test's own after it (the last one counts)."""

SMALL = """
include 'gin_configs/quick.gin'
sweep.data_sets = ['dsprites']
sweep.methods = {'beta_vae': {'beta': [1, 4]}, 'factor_vae': {'gamma': [10, 20]}}
sweep.seeds = 2
nets.encoder_options = {'widths': [16]}
nets.decoder_options = {'widths': [16]}
nets.discriminator_options = {'widths': [16]}
train.steps = 40
evaluate.table_rows = 3000
evaluate.num_train = 200
evaluate.num_test = 100
evaluate.training_batches = 2
evaluate.metrics = ['mig', 'factor_vae_score', 'beta_vae_score', 'modularity', 'unsupervised']
resources.job_size = 2
resources.log_every = 20
"""

TINY = """
include 'gin_configs/quick.gin'
sweep.data_sets = ['dsprites']
sweep.methods = {'beta_vae': {'beta': [1, 4]}}
sweep.seeds = 2
nets.encoder_options = {'widths': [8]}
nets.decoder_options = {'widths': [8]}
train.steps = 4
evaluate.table_rows = 600
evaluate.num_train = 100
evaluate.num_test = 50
evaluate.training_batches = 1
evaluate.keep_codes = 20
evaluate.metrics = ['mig']
resources.job_size = 2
resources.log_every = 2
"""
# The same on a data set "mine" of 60 images, which a test adds.
OF_MINE = f"""{TINY}
sweep.data_sets = ['mine']
nets.num_latents = 3
evaluate.num_train = 30
evaluate.num_test = 15
evaluate.representations = ['mean']
"""
