"""The certificate of completeness: page, print and downloads."""
