"""The proof of what is in a bucket, for people who do not trust Rokuon: custody files, and the verifier that checks them."""
