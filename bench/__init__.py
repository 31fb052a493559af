"""Side-by-side benchmarks: the measures of docs/design/benchmarks.md, each with its peer and its target, in one run."""
