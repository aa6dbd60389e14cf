"""What a segment is like, told of counts over all customers, of a bounded sample of them, and beside personas.

Functions here take arrays, Polars tables and plain values, never a Segmenter. Where to look:

- **What all rests on.** ``profile``: exact counts over all customers, and the profile. ``evidence``: the sample.
  ``values``: its raw numbers as tables and as words. ``effects``: effect sizes, p values and their adjustment.
- **What a segment is like.** ``details``: every feature of every segment, as plain values that names, actions,
  contrasts and reports are made of. ``importance``: the features that matter. ``contrast``: two segments. ``examples``:
  customers who are typical, for Python alone. ``atypical``, with ``hints``: who is in no segment, and why that may be.
- **Names and actions.** ``naming``, with ``vocabulary`` and ``words.toml``; ``renaming`` checks names that a person
  chose; ``actions`` and ``actions.toml``.
- **Rules.** ``rules`` is the way in; ``_screening`` picks columns, ``_rule_search`` seeks boxes among
  ``_rule_columns`` by ``_rule_worth``, ``_thresholds`` rounds bounds. ``conditions``: what a rule is made of, and
  whether a row fulfils it; ``sql``: the same for DuckDB.
- **Personas.** ``personas`` is the way in; ``pairing`` matches ids (``known``: those of a fit), ``flows`` counts,
  ``findings`` words splits, merges and new segments by ``parting``, ``served`` compares value with contacts.
  ``predictive``: which labelling foretells a later period.
- **Changes.** ``changes``: what if; ``steps``: the next better segment and the cheapest change.
- **Parts of a report.** ``segment_map``, ``upper_tree``, ``reachability``: pictures as plain values, none of them of
  a person. ``stability``: whether segments are found again.
"""
