"""Style of the HTML report."""

from __future__ import annotations

STYLE = """
:root{--ink:#26323d;--soft:#5c6873;--line:#e1e6ea;--real:#2f5d8a;--gen:#d9541e;--card:#fff;--page:#f4f6f8}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 20px 60px}
header{margin-bottom:18px}
.kicker{margin:0;color:var(--gen);font-weight:600;font-size:12px;letter-spacing:.09em;text-transform:uppercase}
h1{margin:.1em 0 .2em;font-size:30px;line-height:1.2}
h2{margin:0 0 .5em;font-size:19px}
h3{margin:.9em 0 .45em;font-size:14px}
.lead{margin:0;color:var(--soft)}
.hint{color:var(--soft);font-size:13.5px;margin:.1em 0 1em}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 22px;margin:14px 0}
section>p:last-child{margin-bottom:0}
.tiles{display:grid;grid-template-columns:repeat(3,1fr);gap:12px;margin-bottom:12px}
.tile{border-radius:8px;padding:12px 16px;background:#eef1f4;border-left:5px solid #9aa5af}
.tile b{display:block;font-size:30px;line-height:1.1}
.tile span{color:var(--soft);font-size:13.5px}
.tile.inside{background:#e8f0f7;border-color:var(--real)}
.tile.outside{background:#fceee8;border-color:var(--gen)}
figure{margin:0}
figure svg{width:100%;height:auto;display:block}
.slices+.slices{margin-top:14px}
.slices{display:grid;grid-template-columns:repeat(3,1fr);gap:14px;align-items:start}
.frame{position:relative;border-radius:6px;overflow:hidden;border:1px solid var(--line)}
.frame img{width:100%;height:100%;display:block;image-rendering:pixelated}
.bar{position:absolute;right:8px;bottom:8px;border-bottom:3px solid #fff;color:#fff;font-size:11.5px;font-weight:600;
text-align:center;white-space:nowrap;text-shadow:0 0 3px #000,0 0 3px #000;filter:drop-shadow(0 0 1px #000)}
figcaption{color:var(--soft);font-size:12.5px;margin-top:4px}
.swatch{font-weight:400;font-size:12.5px;color:var(--soft);margin-left:14px}
.swatch i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:5px;vertical-align:-1px;
border:1px solid #0002}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{text-align:left;padding:6px 10px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--soft);font-size:12px;font-weight:600;border-bottom:2px solid var(--line)}
tbody th{font-weight:600;white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;padding-right:14px}
.sd{color:var(--soft)}
.method,.note{color:var(--soft);font-size:12px;min-width:15em}
.verdict{min-width:15em;font-size:12.5px}
.badge{display:inline-block;border-radius:99px;padding:0 9px;font-size:12px;font-weight:600;margin-right:4px;
background:#e4e8ec;color:#4b5761;white-space:nowrap}
.badge.inside{background:#dbe8f3;color:#1f4a73}
.badge.partly{background:#fdf0cf;color:#7a5606}
.badge.outside{background:#fbdfd3;color:#9c3a10}
.plain th{color:var(--soft);font-weight:500;width:9em}
.plain td{overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:minmax(9em,14em) 1fr;gap:6px 18px;margin:0;font-size:13.5px}
dt{font-weight:600}
dd{margin:0;color:#3d4a55}
@media (max-width:720px){.slices,.tiles{grid-template-columns:1fr}dl{grid-template-columns:1fr}}
@media print{body{background:#fff}section{break-inside:avoid;border:0;padding:8px 0}}
"""
