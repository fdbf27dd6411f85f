"""What the benchmark scripts share: materials, contenders, runs in processes with a cache, bars, tables."""
