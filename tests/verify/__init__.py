"""The verifier: what makes "every number, figure and formula is compared and proven" true.

| module          | its one reason                                                          |
|-----------------|-------------------------------------------------------------------------|
| `numbers`       | what a printed number is, and when two of them agree                     |
| `figures`       | when two figures (SVG or pixels) agree                                   |
| `outputs`       | when the stored and the fresh outputs of a cell agree                    |
| `notebooks`     | where the pages are, and how a cell is named in a message                |
| `kernel`        | the environment a notebook runs in: isolated, and without network        |
| `no_network`    | the guard itself, installed in the kernels and in the test process       |
| `nbval_plugin`  | makes `pytest --nbval` compare with `outputs`                            |
| `structure`     | what can be said of a notebook without running it                        |
| `markdown`      | reads a page into running text, code, formulas                           |
| `prose`         | every number in prose stands in an output                                |
| `equations`     | every displayed formula is labelled and proven by a test                 |
| `execute`       | the author's command: run the notebooks again, say what moved            |
"""
