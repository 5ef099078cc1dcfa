//! How the page looks: on paper, and on bright and dark screens.
//!
//! Blue is what was touched, orange is what was refused: the two that people with every kind
//! of colour vision tell apart. What is refused is hatched as well, for paper.

/// The whole style sheet.
pub(super) const STYLE: &str = "
:root{color-scheme:light dark;--page:#fff;--text:#1b1f24;--faint:#5c6570;--rule:#d9dee4;
--card:#f6f8fa;--done:#0072b2;--done-box:#d3e7f5;--refused:#c84f00;--refused-box:#fde3d0;
--hatch:#f3c3a0;--failed:#8a949e;--burst:#fff1b8;--good:#1a7f37;--bad:#c0262d}
@media (prefers-color-scheme:dark){:root{--page:#0f1318;--text:#e4e8ec;--faint:#98a2ad;
--rule:#2c343d;--card:#171d24;--done:#56b4e9;--done-box:#14364d;--refused:#f0914a;
--refused-box:#47260f;--hatch:#6b3a18;--failed:#7b8691;--burst:#3b3414;
--good:#56d364;--bad:#ff7b72}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);
font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}
main{max-width:1124px;margin:0 auto;padding:32px}
h1{font-size:26px;margin:0 0 16px}h2{font-size:19px;margin:0 0 12px}
h3{font-size:15px;margin:20px 0 8px}
section{margin-top:40px}
p{margin:8px 0;max-width:80ch}
code{font:12.5px/1.5 ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;
overflow-wrap:anywhere;white-space:pre-wrap}
h1 code{font-size:24px}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:4px 20px;margin:0}
dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}
.said,.note,.legend,small,footer{color:var(--faint)}
.note,.legend{font-size:13px;max-width:none}
.none{color:var(--faint);font-style:italic}
.good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}
.glance{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;margin-top:28px}
.tile{background:var(--card);border:1px solid var(--rule);border-left:4px solid var(--done);
border-radius:6px;padding:10px 14px;display:flex;flex-direction:column;min-width:0}
.tile b{font-size:25px;line-height:1.2;font-variant-numeric:tabular-nums}
.tile small{font-size:12.5px}
.tile.hot{border-left-color:var(--refused)}.tile.warm{border-left-color:#e69f00}
.tile.zero{border-left-color:var(--rule)}.tile.zero b{color:var(--faint)}
.picture{overflow-x:auto}.picture>svg{display:block;width:100%;min-width:760px;height:auto}
.defs{position:absolute}
svg text{fill:var(--text)}
.mono{font:11px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre}
.small{font:11px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:var(--faint)}
svg .small{fill:var(--faint)}svg .refused-text{fill:var(--refused)}
.done{fill:var(--done)}.failed{fill:var(--failed)}.refused{fill:var(--refused)}
.mark{fill:var(--refused)}.burst{fill:var(--burst)}
.grid{stroke:var(--rule)}.base{stroke:var(--failed)}
.touched-box{fill:var(--done-box);stroke:var(--done)}
.refused-box{fill:url(#hatch);stroke:var(--refused)}
.mixed-box{fill:none;stroke:var(--failed)}
.touched-part{fill:var(--done-box)}.refused-part{fill:url(#hatch)}
.hatch-back{fill:var(--refused-box)}.hatch-line{stroke:var(--hatch);stroke-width:3}
.key{display:inline-block;width:11px;height:11px;border-radius:2px;margin:0 6px 0 0;
vertical-align:-1px;background:var(--failed);flex:none}
.legend .key{margin-left:14px}.legend .key:first-child{margin-left:0}
.key.done{background:var(--done)}.key.refused{background:var(--refused)}
.key.burst{background:var(--burst);outline:1px solid var(--rule)}
.key.box{background:var(--done-box);outline:1px solid var(--done);outline-offset:-1px}
.key.hatch{background:repeating-linear-gradient(-45deg,var(--hatch) 0 3px,var(--refused-box) 3px 6px);
outline:1px solid var(--refused);outline-offset:-1px}
.key.mixed{background:linear-gradient(90deg,var(--done-box) 50%,var(--hatch) 50%);
outline:1px solid var(--failed);outline-offset:-1px}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th{text-align:left;color:var(--faint);font-weight:500;border-bottom:1px solid var(--rule);
padding:4px 12px 4px 0;white-space:nowrap}
td{vertical-align:top;border-bottom:1px solid var(--rule);padding:5px 12px 5px 0}
.refusals{table-layout:fixed;min-width:860px}.refusals th:nth-child(1){width:158px}
.refusals th:nth-child(2){width:100px}.refusals th:nth-child(4){width:70px}
.refusals th:nth-child(5){width:116px}.refusals th:nth-child(6){width:32%}
.refusals td:nth-child(2){overflow-wrap:anywhere}
.right{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.code{white-space:nowrap;color:var(--refused)}
.argv{color:var(--faint)}
.secret{color:var(--refused);font-size:12.5px}
.tag{display:inline-block;border:1px solid currentColor;border-radius:4px;padding:0 6px;
font-size:12.5px;max-width:100%;overflow-wrap:anywhere}
.tag.read{background:var(--refused);border-color:var(--refused);color:var(--page);font-weight:600}
.tag.named{color:var(--refused)}
.plain{list-style:none;margin:0;padding:0}.plain li{padding:2px 0}
.tree,.tree ul{list-style:none;margin:0;padding:0}
.tree li{padding:3px 0}.tree>.leaf{padding-left:15px}
.tree ul{margin-left:5px;padding-left:18px;border-left:1px solid var(--rule)}
.op{font-weight:600}
summary{cursor:pointer}
.noise{margin-top:16px}.noise table{margin-top:8px}
footer{margin-top:48px;padding-top:12px;border-top:1px solid var(--rule);font-size:13px}
@media (max-width:760px){main{padding:16px}.glance{grid-template-columns:repeat(2,1fr)}
dl{grid-template-columns:1fr}dd{margin-bottom:6px}}
@media print{:root{color-scheme:light;--page:#fff;--text:#000;--faint:#444;--rule:#bbb;--card:#fff;
--done:#0072b2;--done-box:#d3e7f5;--refused:#c84f00;--refused-box:#fde3d0;--hatch:#f3c3a0;
--failed:#8a949e;--burst:#fff1b8;--good:#1a7f37;--bad:#c0262d}
main{max-width:none;padding:0}section{margin-top:24px}
.picture,.wide{overflow:visible}.picture>svg{min-width:0}
h2,h3{break-after:avoid}tr,.tile,.picture{break-inside:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
";
