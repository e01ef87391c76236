"""Studies that were made of other programs' results: their scores under our names, without models."""
