"""The stages of `measure`: each adds the statistics of one kind to a `Measurement`, in pieces."""
