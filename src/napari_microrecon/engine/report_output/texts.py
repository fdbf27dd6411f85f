"""Fixed words and style of the HTML report."""

from __future__ import annotations

MEANINGS: dict[str, tuple[str, str]] = {
    'phase_fraction': ('Phase fraction', 'Share of the volume in the phase; the porosity where the phase is the pore.'),
    'specific_surface': (
        'Specific surface',
        'Area of the phase boundary per volume. Marching cubes follow the stair-steps of voxels and read 8 to 9 % high '
        'on curved surfaces; the Crofton value is free of that where no orientation is preferred. Faces of the volume '
        'itself are not counted.',
    ),
    'face_density': (
        'Face density',
        'Voxel faces between the phases per voxel, about 1.4 times the marching-cubes area. Never compare it with an '
        'area.',
    ),
    'interface': (
        'Interfacial area',
        'Area between two phases per volume; those of all pairs with a phase add up to its specific surface.',
    ),
    'triple_line': (
        'Triple-phase boundary length',
        'Length per volume of the lines where three phases meet, for lines without a preferred direction.',
    ),
    'thickness': (
        'Local thickness',
        'Diameter of the largest sphere that fits into the phase and covers a point, averaged over the phase: the pore '
        'or grain size that needs no idea of what one pore is.',
    ),
    'critical_diameter': (
        'Largest sphere that passes',
        'Diameter of the largest sphere that can be moved through the phase from face to face: the throats that decide '
        'flow.',
    ),
    'particle_size': (
        'Particle size',
        'Mean diameter by volume of the particles that a watershed tells apart; no value where the phase is a network.',
    ),
    'permeability': (
        'Permeability estimates',
        'Estimates from measured quantities; no flow is solved. Katz-Thompson: l_c²/(226 F) from the largest sphere '
        'that passes and the formation factor. Kozeny-Carman: φ³/(5 s²), for beds of grains, blind to connectivity.',
    ),
    'chord_length': (
        'Mean chord length',
        'Mean length of straight lines within the phase, a measure of pore or grain size.',
    ),
    'clusters': ('Clusters', 'Parts of the phase that are connected through voxel faces.'),
    'euler_density': (
        'Euler number per volume',
        'Clusters minus tunnels plus cavities; the more negative, the better connected.',
    ),
    'percolating_fraction': (
        'Percolating fraction',
        'Share of the phase that lies in clusters reaching from one face of the volume to the opposite one.',
    ),
    'correlation_length': (
        'Correlation length',
        'Distance at which knowing the phase at a point tells little of it at another (1/e): a typical feature size.',
    ),
    'anisotropy_index': (
        'Anisotropy index',
        'Longest over shortest correlation length; 1 for isotropic material. Finite volumes of isotropic material read '
        'above 1, so that the verdict depends on the size.',
    ),
    'tortuosity': (
        'Tortuosity factor',
        'How much the winding paths slow diffusion down: phase fraction x D0 / Deff, 1 for straight channels. '
        'The first value counts the percolating part only (as PoreSpy does), the total one the whole phase '
        '(as TauFactor does).',
    ),
    's2_error': (
        'S₂, distance from the real mean',
        'Mean difference between the two-point probabilities in units of φ (1 − φ), beside the same number for '
        'each real block against the others: the noise floor that even real material cannot beat.',
    ),
}

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
