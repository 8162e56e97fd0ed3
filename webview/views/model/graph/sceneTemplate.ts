import { nothing, svg, type SVGTemplateResult } from 'lit';
import type { HeatColors } from '../../../../src/protocol/heatScale.js';
import { cssColor } from '../../../components/heatColors.js';
import { t } from '../../../text.js';
import { titleHeight } from './boxParts.js';
import { boxLabel, type BoxText, boxTitle } from './boxText.js';
import { isBox, type Scene, type SceneBox, type SceneLine } from './graphLayout.js';
import { type ItemId, rootId } from './graphTree.js';
import type { Heat } from './layerHeat.js';
import { linePath } from './linePath.js';

/** What is shown of a scene besides its places. */
export interface SceneLook {
  readonly text: BoxText;
  readonly chosen: ItemId | undefined;
  readonly found: ReadonlySet<ItemId>;
  /** Lines that are emphasised, as `box key`. */
  readonly hot: ReadonlySet<string>;
  readonly heat: ReadonlyMap<ItemId, Heat>;
  readonly colors: HeatColors;
  /** Makes ids of elements unique in the page. */
  readonly elementId: (item: ItemId) => string;
  /** Says what is connected, for screen readers. */
  readonly describe: (item: ItemId) => string;
}

/** Returns the drawing: of each open box its frame, then its lines, then what is inside. */
export function sceneTemplate({ boxes, lines }: Scene, look: SceneLook): SVGTemplateResult[] {
  const byBox = new Map<ItemId, SceneLine[]>();
  for (const line of lines) {
    const known = byBox.get(line.box);
    if (known === undefined) byBox.set(line.box, [line]);
    else known.push(line);
  }
  const linesOf = (box: ItemId): SVGTemplateResult[] =>
    (byBox.get(box) ?? []).map((line) => lineTemplate(line, look));
  return [
    ...linesOf(rootId),
    ...boxes.flatMap((box) => [boxTemplate(box, look), ...(box.isExpanded ? linesOf(box.item.id) : [])]),
  ];
}

function lineTemplate({ box, keys, points, hasArrow }: SceneLine, { hot }: SceneLook): SVGTemplateResult {
  const isHot = hot.size > 0 && keys.some((key) => hot.has(`${String(box)} ${key}`));
  return svg`<path class="line ${isHot ? 'hot' : ''}" d=${linePath(points, hasArrow)}></path>`;
}

function boxTemplate(box: SceneBox, look: SceneLook): SVGTemplateResult {
  const { item, isExpanded, level } = box;
  const classes = [
    'box',
    item.kind,
    isExpanded ? 'frame' : '',
    item.node?.layer === undefined || item.node.layer === null ? '' : 'layer',
    look.chosen === item.id ? 'chosen' : '',
    look.found.has(item.id) ? 'found' : '',
  ].join(' ');
  return svg`<g
    id=${look.elementId(item.id)}
    class=${classes}
    data-item=${item.id}
    role="treeitem"
    aria-level=${level}
    aria-expanded=${isBox(item) ? String(isExpanded) : nothing}
    aria-selected=${String(look.chosen === item.id)}
    aria-label=${labelOf(box, look)}
    transform="translate(${box.x.toFixed(1)} ${box.y.toFixed(1)})"
  >
    <title>${tooltipOf(box, look)}</title>
    ${isExpanded ? frameTemplate(box, look) : closedTemplate(box, look)}
  </g>`;
}

function frameTemplate({ item, width, height }: SceneBox, { text }: SceneLook): SVGTemplateResult {
  return svg`<rect class="shape" width=${width} height=${height} rx="4"></rect>
    <text class="twistie" x="8" y=${titleHeight / 2 + 4}>▾</text>
    <text class="title" x="22" y=${titleHeight / 2 + 4}>${text.title(item, width)}</text>
    <rect class="twistie-area" data-toggle width="22" height=${titleHeight}></rect>`;
}

function closedTemplate(box: SceneBox, look: SceneLook): SVGTemplateResult {
  const { item, width, height } = box;
  const opens = isBox(item);
  const heat = look.heat.get(item.id);
  const label = labelWith(heat, box, look.text);
  const round = item.kind === 'input' || item.kind === 'output' ? height / 2 : 3;
  return svg`
    ${opens ? svg`<rect class="back" x="3" y="3" width=${width} height=${height} rx="3"></rect>` : nothing}
    <rect class="shape" width=${width} height=${height} rx=${round}></rect>
    ${heat === undefined ? nothing : heatTemplate(box, heat, look)}
    ${opens ? svg`<text class="twistie" x="8" y="16">▸</text>` : nothing}
    <text class="title" x=${opens ? 22 : 10} y="16">${look.text.title(item, width)}</text>
    <text class="label" x="10" y="30">${look.text.label(label, width)}</text>
    ${opens ? svg`<rect class="twistie-area" data-toggle width="22" height="22"></rect>` : nothing}
  `;
}

/** The number goes before the name: that is in the panel and the tooltip too. */
function labelWith(heat: Heat | undefined, { item, width }: SceneBox, text: BoxText): string {
  if (heat === undefined) return boxLabel(item);
  const both = `${heat.text} · ${boxLabel(item)}`;
  return text.labelFits(both, width) ? both : heat.text;
}

/** A wash over the box, and a strip in the scale's own colour that text never covers. */
function heatTemplate(
  { width, height }: SceneBox,
  { share }: Heat,
  { colors }: SceneLook,
): SVGTemplateResult {
  const color = cssColor(share < 0 ? colors.negative : colors.positive);
  const strength = Math.min(1, Math.abs(share));
  return svg`<rect class="heat wash" width=${width} height=${height} rx="3" fill=${color} fill-opacity=${strength}></rect>
    <rect class="heat" width="5" height=${height} fill=${color} fill-opacity=${strength}></rect>`;
}

function labelOf({ item, isExpanded }: SceneBox, look: SceneLook): string {
  const heat = look.heat.get(item.id);
  return [
    `${boxTitle(item)}, ${kindText(item.kind)}`,
    item.kind === 'node' ? (item.node?.layer ?? item.name) : boxLabel(item),
    heat?.text ?? '',
    look.chosen === item.id && !isExpanded ? look.describe(item.id) : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function kindText(kind: SceneBox['item']['kind']): string {
  switch (kind) {
    case 'node':
      return t('node');
    case 'module':
      return t('module');
    case 'block':
      return t('recognised block');
    case 'part':
      return t('part');
    case 'input':
      return t('input');
    case 'output':
      return t('output');
  }
}

function tooltipOf({ item }: SceneBox, look: SceneLook): string {
  const heat = look.heat.get(item.id);
  const lines = [
    boxTitle(item),
    item.name === boxTitle(item) ? '' : item.name,
    boxLabel(item),
    heat?.text ?? '',
  ];
  return [...new Set(lines)].filter((line) => line !== '').join('\n');
}
