import { css, html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { applyStyle } from '../applyStyle.js';
import type { TreeBlock } from '../../src/protocol/blocks.js';
import { baseStyles } from '../components/baseStyles.js';
import { followLink } from '../links.js';
import { t } from '../text.js';
import { BlockElement } from './blockElement.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-tree-block': NiTreeBlock;
  }
}

type TreeNode = TreeBlock['root'];

/** A node that is seen, with its place. */
interface Line {
  readonly node: TreeNode;
  /** Places of its ancestors and itself among their siblings: `0/2/1`. */
  readonly path: string;
  readonly level: number;
  readonly position: number;
  readonly siblingCount: number;
}

/** Nodes up to this level are unfolded at first. */
const openLevels = 2;

/**
 * A hierarchy, unfolded and walked by keyboard as the editor's trees are.
 *
 * @tag ni-tree-block
 * @fires ni-link - An address was followed.
 */
@customElement('ni-tree-block')
export class NiTreeBlock extends BlockElement<TreeBlock> {
  static override readonly styles = [
    baseStyles,
    css`
      .line {
        display: flex;
        align-items: center;
        gap: 6px;
        min-height: var(--ni-row-height);
        padding-right: 8px;
        cursor: default;
      }
      .line:hover {
        background: var(--ni-hover);
      }
      .line:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: -1px;
      }
      .twist {
        flex: none;
        width: 1.4ch;
        text-align: center;
        color: var(--ni-muted);
      }
      .label {
        overflow-wrap: anywhere;
      }
    `,
  ];

  /** Paths whose fold a person changed. */
  @state() private turned: ReadonlySet<string> | undefined;
  @state() private current = '0';

  protected override render(): TemplateResult {
    const lines = this.lines();
    return html`<div
      role="tree"
      aria-label=${this.block.alt ?? this.block.title ?? t('Tree')}
      @keydown=${this.onKeyDown}
    >
      ${lines.map((line) => this.renderLine(line))}
    </div>`;
  }

  private renderLine(line: Line): TemplateResult {
    const { node, path, level } = line;
    const hasChildren = (node.children ?? []).length > 0;
    const isOpen = this.isOpen(line);
    return html`<div
      class="line"
      role="treeitem"
      aria-level=${level}
      aria-posinset=${line.position}
      aria-setsize=${line.siblingCount}
      aria-expanded=${hasChildren ? String(isOpen) : nothing}
      data-path=${path}
      tabindex=${path === this.current ? 0 : -1}
      ${applyStyle({ 'padding-left': `${String((level - 1) * 16 + 4)}px` })}
      @click=${() => {
        this.current = path;
        if (hasChildren) this.turn(path);
      }}
    >
      <span class="twist" aria-hidden="true">${hasChildren ? (isOpen ? '▾' : '▸') : ''}</span>
      ${
        node.address === undefined
          ? html`<span class="label">${node.label}</span>`
          : html`<a
              class="label address"
              href="#"
              tabindex="-1"
              @click=${(event: Event) => {
                event.preventDefault();
                event.stopPropagation();
                this.follow(node);
              }}
              >${node.label}</a
            >`
      }
      ${node.detail === undefined ? nothing : html`<span class="muted">${node.detail}</span>`}
    </div>`;
  }

  private lines(): Line[] {
    const lines: Line[] = [];
    const add = (line: Line): void => {
      lines.push(line);
      if (!this.isOpen(line)) return;
      const children = line.node.children ?? [];
      for (const [index, node] of children.entries()) {
        add({
          node,
          path: `${line.path}/${String(index)}`,
          level: line.level + 1,
          position: index + 1,
          siblingCount: children.length,
        });
      }
    };
    add({ node: this.block.root, path: '0', level: 1, position: 1, siblingCount: 1 });
    return lines;
  }

  private turnedPaths(): ReadonlySet<string> {
    const saved = this.context.state.read('turned');
    return this.turned ?? new Set(Array.isArray(saved) ? saved.map(String) : []);
  }

  private isOpen({ path, level }: Pick<Line, 'path' | 'level'>): boolean {
    return level <= openLevels !== this.turnedPaths().has(path);
  }

  private turn(path: string): void {
    const turned = new Set(this.turnedPaths());
    if (!turned.delete(path)) turned.add(path);
    this.turned = turned;
    this.context.state.set('turned', [...turned]);
  }

  private follow(node: TreeNode): void {
    if (node.address !== undefined) followLink(this, { kind: 'open-address', address: node.address });
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    const lines = this.lines();
    const index = lines.findIndex(({ path }) => path === this.current);
    const line = lines[index];
    if (line === undefined) return;
    const to = this.target(event.key, lines, index);
    if (to === undefined && !this.act(event.key, line)) return;
    event.preventDefault();
    if (to !== undefined) void this.focusPath(to);
  };

  /** Where a key leads, as the ARIA practices say for trees. */
  private target(key: string, lines: readonly Line[], index: number): string | undefined {
    const line = lines[index];
    if (line === undefined) return undefined;
    const isOpen = (line.node.children ?? []).length > 0 && this.isOpen(line);
    switch (key) {
      case 'ArrowDown':
        return lines[index + 1]?.path;
      case 'ArrowUp':
        return lines[index - 1]?.path;
      case 'Home':
        return lines[0]?.path;
      case 'End':
        return lines.at(-1)?.path;
      case 'ArrowRight':
        return isOpen ? lines[index + 1]?.path : undefined;
      case 'ArrowLeft':
        return isOpen || line.level === 1 ? undefined : line.path.slice(0, line.path.lastIndexOf('/'));
      default:
        return undefined;
    }
  }

  /** Folds, unfolds or follows; tells whether the key did anything. */
  private act(key: string, line: Line): boolean {
    const hasChildren = (line.node.children ?? []).length > 0;
    const isOpen = this.isOpen(line);
    const turns =
      (key === 'ArrowRight' && !isOpen) ||
      (key === 'ArrowLeft' && isOpen) ||
      (key === 'Enter' && line.node.address === undefined) ||
      key === ' ';
    if (turns && hasChildren) this.turn(line.path);
    else if (key === 'Enter' && line.node.address !== undefined) this.follow(line.node);
    else return false;
    return true;
  }

  private async focusPath(path: string): Promise<void> {
    this.current = path;
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(`[data-path="${path}"]`)?.focus();
  }
}
