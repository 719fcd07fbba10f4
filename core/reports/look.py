"""The look of the HTML report."""

from __future__ import annotations

STYLE = """\
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --ink: #1c2128; --soft: #5b6470; --line: #d9dee5;
  --inset: #f2f4f7; --accent: #2457c5; --passed: #1a7f37; --failed: #c62430; --error: #a21caf; --skipped: #8a6100; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0f1318; --card: #171c23; --ink: #e4e8ee; --soft: #98a3b1; --line: #2b333e; --inset: #10151b;
    --accent: #7aa7ff; --passed: #4ac26b; --failed: #ff7b72; --error: #e58bf5; --skipped: #d9a93b; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 70rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
.facts { margin: .25rem 0 1.25rem; color: var(--soft); }
.facts b { color: var(--ink); font-weight: 600; }
.interrupted { margin: 0 0 1rem; padding: .5rem .8rem; border-radius: 6px; color: var(--failed);
  border: 1px solid currentColor; font-weight: 600; }
.share { display: block; width: 100%; height: 10px; border-radius: 5px; background: var(--line); }
.share .passed { fill: var(--passed); } .share .failed { fill: var(--failed); }
.share .error { fill: var(--error); } .share .skipped { fill: var(--skipped); }
input { position: absolute; opacity: 0; pointer-events: none; }
.filter { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0 1.5rem; }
.filter label { display: flex; align-items: baseline; gap: .45rem; padding: .4rem .85rem;
  border-radius: 999px; cursor: pointer; background: var(--card); border: 1px solid var(--line); }
.filter label:hover { border-color: var(--soft); }
.filter b { font-size: 1.15rem; font-variant-numeric: tabular-nums; }
.filter .none { color: var(--soft); }
.passed > b { color: var(--passed); } .failed > b { color: var(--failed); }
.error > b { color: var(--error); } .skipped > b { color: var(--skipped); } .none > b { color: inherit; }
#all:checked ~ header [for=all], #passed:checked ~ header [for=passed], #failed:checked ~ header [for=failed],
#error:checked ~ header [for=error], #skipped:checked ~ header [for=skipped] {
  border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
#all:focus-visible ~ header [for=all], #passed:focus-visible ~ header [for=passed],
#failed:focus-visible ~ header [for=failed], #error:focus-visible ~ header [for=error],
#skipped:focus-visible ~ header [for=skipped], summary:focus-visible, pre:focus-visible {
  outline: 3px solid var(--accent); outline-offset: 2px; }
#passed:checked ~ main .row:not(.passed), #failed:checked ~ main .row:not(.failed),
#error:checked ~ main .row:not(.error), #skipped:checked ~ main .row:not(.skipped) { display: none; }
.row { background: var(--card); border: 1px solid var(--line); border-left-width: 4px; border-radius: 6px;
  margin: 0 0 .5rem; }
.row.passed { border-left-color: var(--passed); } .row.failed { border-left-color: var(--failed); }
.row.error { border-left-color: var(--error); } .row.skipped { border-left-color: var(--skipped); }
.row > summary { display: grid; grid-template-columns: 4.5rem 4.2rem minmax(0, 1fr) 3rem 8rem 5.5rem .6rem; gap: .75rem;
  align-items: center; padding: .55rem .85rem; cursor: pointer; list-style: none; border-radius: 6px; }
.row > summary::after { content: ""; width: .45rem; height: .45rem; border: solid var(--soft); transform: rotate(45deg);
  border-width: 0 2px 2px 0; margin-top: -.2rem; }
.row[open] > summary::after { transform: rotate(225deg); margin-top: .2rem; }
.row > summary::-webkit-details-marker { display: none; }
.row > summary:hover { background: var(--inset); }
.outcome { font-weight: 650; }
.passed .outcome { color: var(--passed); } .failed .outcome { color: var(--failed); }
.error .outcome { color: var(--error); } .skipped .outcome { color: var(--skipped); }
.method { color: var(--soft); font: 600 12px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; }
.name { font-weight: 550; overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.size { color: var(--soft); }
.time { display: flex; align-items: center; justify-content: space-between; gap: .5rem; }
.time svg { flex: none; width: 3.4rem; height: 6px; }
.time rect { fill: var(--accent); opacity: .55; transform: scaleX(calc(1 / var(--longest))); }
.more { padding: .1rem .95rem .95rem; border-top: 1px solid var(--line); }
.more p { margin: .7rem 0 0; }
code, pre { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
pre { white-space: pre-wrap; margin: 0; }
.why { margin-top: .7rem; padding: .55rem .75rem; border-radius: 6px; background: var(--inset);
  border: 1px solid var(--line); }
.failed .why { border-left: 3px solid var(--failed); } .error .why { border-left: 3px solid var(--error); }
.checks { list-style: none; margin: .7rem 0 0; padding: 0; }
.checks li { display: flex; gap: .75rem; overflow-wrap: anywhere; }
.checks li + li { margin-top: .15rem; }
.checks b { flex: none; width: 3.75rem; font-weight: 600; }
.found { white-space: pre-wrap; color: var(--soft); }
.soft { color: var(--soft); }
.sides { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .85rem; margin-top: .85rem; }
h2 { font-size: .8rem; font-weight: 650; letter-spacing: .03em; margin: 0 0 .3rem; color: var(--soft); }
.sides pre { max-height: 26rem; overflow: auto; padding: .6rem .75rem; border-radius: 6px; background: var(--inset);
  border: 1px solid var(--line); }
footer { color: var(--soft); font-size: .87rem; padding-top: .75rem; padding-bottom: 2.5rem; }
@media (max-width: 46rem) {
  .row > summary { gap: .1rem .75rem; }
  .row > summary > .name { grid-column: 1 / -1; grid-row: 1; }
  .row > summary > .time { justify-content: flex-start; } .time svg { display: none; }
  .row > summary > .size { display: none; }
  .row > summary { grid-template-columns: 4.5rem 4.2rem 3rem minmax(0, 1fr) .6rem; }
  .sides { grid-template-columns: minmax(0, 1fr); }
}
@media print { .row { break-inside: avoid; } .filter label { border-color: transparent; padding-left: 0; } }
"""
