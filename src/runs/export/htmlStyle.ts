/** Steps of the colour scale of tokens on each side of zero; classes because the page's policy allows no inline style. */
export const tokenSteps = 10;

function tokenRules(): string {
  const rules: string[] = [];
  for (let step = 1; step <= tokenSteps; step++) {
    const share = Math.round((step / tokenSteps) * 62);
    rules.push(`.p${step}{background:color-mix(in srgb,var(--positive) ${share}%,transparent)}`);
    rules.push(`.n${step}{background:color-mix(in srgb,var(--negative) ${share}%,transparent)}`);
  }
  return rules.join('\n');
}

/** The style sheet of exported pages: dense as an editor, light or dark as the reader's system, quiet on paper. */
export const htmlStyle = `
:root{color-scheme:light dark;--bg:#fff;--panel:#f6f7f8;--text:#1f2328;--muted:#5b636d;--line:#d9dde2;--accent:#0860c4;
--error:#b3261e;--warning:#8a5a00;--info:#0860c4;--good:#1a7f37;--positive:rgb(224,92,20);--negative:rgb(30,110,216);--bar:#5a9bdc}
@media (prefers-color-scheme:dark){:root{--bg:#1e1f22;--panel:#26282c;--text:#d7dae0;--muted:#9aa2ad;--line:#3a3d43;--accent:#6cb2ff;
--error:#ff8d84;--warning:#e5b454;--info:#6cb2ff;--good:#6bcb84;--bar:#3d78b4}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:13px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1080px;margin:0 auto;padding:20px 24px 48px}
h1{font-size:20px;line-height:1.3;margin:0}
h2{font-size:14px;margin:24px 0 8px;font-weight:600}
h1,h2,summary{text-wrap:balance}
p{margin:6px 0;max-width:80ch}
a{color:var(--accent)}
code,.address{font:12px/1.4 ui-monospace,SFMono-Regular,Consolas,"DejaVu Sans Mono",monospace}
header .model{color:var(--muted);font-weight:400}
.lead{font-size:15px;margin:6px 0 4px}
.facts{color:var(--muted);display:flex;flex-wrap:wrap;gap:0 14px;margin:0;padding:0;list-style:none}
.status{border:1px solid currentColor;border-radius:3px;padding:0 6px;color:var(--warning);font-weight:600}
.status.failed{color:var(--error)}
.note{border-left:3px solid var(--warning);background:var(--panel);padding:6px 10px;margin:8px 0;max-width:none}
.metrics{display:flex;flex-wrap:wrap;gap:8px;margin:14px 0 0}
.metrics div{background:var(--panel);border:1px solid var(--line);padding:8px 12px;min-width:150px;max-width:260px}
.metrics dt{color:var(--muted)}
.metrics dd{margin:0;font-size:20px;line-height:1.35;font-variant-numeric:tabular-nums}
.metrics dd+dd{font-size:11px;color:var(--muted);line-height:1.4}
.findings{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
.findings li{display:grid;grid-template-columns:64px minmax(0,1fr);gap:0 10px;padding:6px 0;border-bottom:1px solid var(--line)}
.findings .advice{color:var(--muted);grid-column:2;margin:0;max-width:90ch}
.severity{font-weight:600}.severity.error{color:var(--error)}.severity.warning{color:var(--warning)}.severity.info{color:var(--info)}
.scroll{overflow:auto;max-height:520px;border:1px solid var(--line)}
.scroll:focus-visible,summary:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{position:sticky;top:0;background:var(--panel);text-align:left;font-weight:600;white-space:nowrap;box-shadow:inset 0 -1px var(--line)}
th button{all:unset;cursor:pointer}th button:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
th[aria-sort=ascending] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
th,td{padding:3px 10px;vertical-align:top}
td{border-top:1px solid var(--line);overflow-wrap:anywhere}
tbody tr:hover{background:var(--panel)}
.number{text-align:right;white-space:nowrap}
td.bar{white-space:nowrap}td.bar svg{width:72px;height:10px;margin-right:8px;vertical-align:-1px}
.bar rect{fill:var(--line)}.bar rect+rect{fill:var(--bar)}
.state{font-weight:600;color:var(--warning)}.state.active{color:var(--good);font-weight:400}.state.dead,.state.not-finite{color:var(--error)}
.muted{color:var(--muted)}
figure{margin:0}
figcaption{color:var(--muted);margin-top:4px;max-width:44ch}
.chart svg{display:block;max-width:100%;height:auto}
.grid{display:flex;flex-wrap:wrap;gap:14px}
img{image-rendering:pixelated;display:block;max-width:100%;height:auto;border:1px solid var(--line)}
.stack{position:relative;display:inline-block;line-height:0;background:var(--panel)}
.stack .base{filter:grayscale(1) opacity(.5)}
.stack .base+.heat{position:absolute;inset:0;width:100%;height:100%}
.pair{display:flex;gap:6px}
.sound{margin:0 0 14px;max-width:760px}.sound .wave{display:block;width:100%;height:90px;border:1px solid var(--line)}
.sound .spectrum{width:100%;height:90px;margin-top:4px}.sound audio{width:100%;height:32px;margin-top:4px}
.legend{display:flex;align-items:center;gap:8px;color:var(--muted);margin:8px 0 0;font-variant-numeric:tabular-nums}
.legend span.scale{width:140px;height:10px;border:1px solid var(--line)}
.scale.diverging{background:linear-gradient(to right,var(--negative),transparent,var(--positive))}
.scale.sequential{background:linear-gradient(to right,transparent,var(--positive))}
.mark{position:absolute;outline:2px solid var(--accent);pointer-events:none;min-width:3px;min-height:3px}
.part{position:absolute;inset:auto;margin:0;max-width:min(460px,calc(100vw - 16px));padding:8px 12px;border:1px solid var(--line);background:var(--panel);color:var(--text)}
.part code{display:block;overflow-wrap:anywhere;user-select:all}.part button{margin-top:4px;font:inherit}
[data-parts] .stack,[data-parts] .wave{cursor:crosshair}.tokens[data-parts] span,tr[data-part]{cursor:pointer}
.stack:focus-visible,.wave:focus-visible,.tokens span:focus-visible,tr:focus-visible{outline:2px solid var(--accent)}
.tokens{line-height:1.9;max-width:90ch;white-space:pre-wrap;font:13px/1.9 ui-monospace,SFMono-Regular,Consolas,monospace}
.tokens span{border-radius:2px;padding:2px 0}
ul.tree,ul.tree ul{list-style:none;margin:0;padding-left:16px;border-left:1px solid var(--line)}
details{margin:10px 0}
summary{cursor:pointer;font-weight:600}
details>:not(summary){margin-top:8px}
dl.how{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 16px;margin:8px 0}
dl.how dt{color:var(--muted)}dl.how dd{margin:0;overflow-wrap:anywhere}
.papers{margin:6px 0;padding-left:18px}
footer{margin-top:32px;border-top:1px solid var(--line);padding-top:8px;color:var(--muted)}
@media print{:root{--bg:#fff;--panel:#fff;--text:#000;--muted:#444;--line:#bbb}body{font-size:10.5px}main{max-width:none;padding:0}
.scroll{max-height:none;overflow:visible;border:0}th{position:static}tr,figure,.findings li,.metrics div{break-inside:avoid}h2{break-after:avoid}
details::details-content{content-visibility:visible}a{color:inherit}}
${tokenRules()}
`;
