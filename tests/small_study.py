"""The small sweep that is run from end to end: once a session, and by what compares another way of running it."""

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
