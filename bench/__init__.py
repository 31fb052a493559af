"""Side-by-side benchmarks: the measures of DESIGN.md section 7, each beside its peer and its target, in one run."""
