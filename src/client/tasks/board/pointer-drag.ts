/**
 * Drag and drop of cards with mouse, pen and touch. It knows the page only by attributes: cards have `data-task-id`, columns
 * have `data-column`, and the list of a column, which scrolls, has `data-cards`. It changes no card; a copy follows the pointer.
 *
 * - A mouse lifts a card by moving it a little. A finger lifts it by resting on it, because moving it scrolls.
 * - Near an edge of the column or of the board, these scroll.
 * - Escape, and everything that takes the pointer away, cancels.
 */

import { taskStates, type TaskState } from '../../../shared/contract/tasks.ts';
import type { Place } from './columns.ts';
import { indexAt, nearestSpan, scrollStep } from './drop-place.ts';

const mouseDistancePx = 5;
const touchRestMs = 300;
const touchDistancePx = 10;

export interface DragHandlers {
  /** A card was lifted. */
  onLift: (taskId: string) => void;
  /** The place under the pointer has changed. */
  onPlace: (place: Place) => void;
  onEnd: (isDropped: boolean) => void;
}

interface Drag {
  taskId: string;
  card: HTMLElement;
  start: PointerEvent;
  x: number;
  y: number;
  /** The copy under the pointer; `null` until the card is lifted. */
  ghost: HTMLElement | null;
  placed: string;
  /** Ends what belongs to this drag. */
  ended: AbortController;
}

/** Makes the cards of this board draggable. @returns the function that ends it */
export function createPointerDrag(board: HTMLElement, handlers: DragHandlers): () => void {
  const closed = new AbortController();
  let drag: Drag | null = null;

  function press(event: PointerEvent): void {
    if (drag !== null || event.button !== 0 || !event.isPrimary || !(event.target instanceof Element)) return;
    const card = event.target.closest<HTMLElement>('[data-task-id]');
    if (card === null || event.target.closest('button, input, textarea, select') !== null) return;
    const ended = new AbortController();
    const { clientX: x, clientY: y } = event;
    drag = { taskId: card.dataset['taskId'] ?? '', card, start: event, x, y, ghost: null, placed: '', ended };
    const { signal } = ended;
    const timer = event.pointerType === 'touch' ? window.setTimeout(lift, touchRestMs) : 0;
    signal.addEventListener('abort', () => window.clearTimeout(timer));
    window.addEventListener('pointermove', move, { signal });
    window.addEventListener('pointerup', () => end(true), { signal });
    window.addEventListener('pointercancel', () => end(false), { signal });
    window.addEventListener('blur', () => end(false), { signal });
    // A long touch would open the menu of the browser for links.
    window.addEventListener('contextmenu', (menu) => menu.preventDefault(), { signal, capture: true });
    window.addEventListener('selectstart', (selection) => selection.preventDefault(), { signal });
    window.addEventListener('keydown', cancelOnEscape, { signal, capture: true });
  }

  function move(event: PointerEvent): void {
    if (drag === null || event.pointerId !== drag.start.pointerId) return;
    [drag.x, drag.y] = [event.clientX, event.clientY];
    if (drag.ghost !== null) {
      moveGhost(drag);
      return;
    }
    const distance = Math.hypot(drag.x - drag.start.clientX, drag.y - drag.start.clientY);
    if (drag.start.pointerType !== 'touch') {
      if (distance > mouseDistancePx) lift();
    } else if (distance > touchDistancePx) {
      end(false);
    }
  }

  function lift(): void {
    if (drag === null) return;
    drag.ghost = copyOf(drag.card);
    moveGhost(drag);
    board.dataset['dragging'] = '';
    board.setPointerCapture(drag.start.pointerId);
    handlers.onLift(drag.taskId);
    requestAnimationFrame(step);
  }

  /** Scrolls, and reports the place, once a frame. */
  function step(): void {
    if (drag?.ghost == null) return;
    scrollAt(board, drag);
    const place = placeAt(board, drag);
    const key = `${place?.state} ${place?.index}`;
    if (place !== null && key !== drag.placed) {
      drag.placed = key;
      handlers.onPlace(place);
    }
    requestAnimationFrame(step);
  }

  function cancelOnEscape(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || drag?.ghost == null) return;
    event.preventDefault();
    event.stopPropagation();
    end(false);
  }

  function end(isDropped: boolean): void {
    const before = drag;
    drag = null;
    before?.ended.abort();
    if (before?.ghost == null) return;
    before.ghost.remove();
    delete board.dataset['dragging'];
    ignoreNextClick();
    handlers.onEnd(isDropped && before.placed !== '');
  }

  const { signal } = closed;
  board.addEventListener('pointerdown', press, { signal });
  board.addEventListener('dragstart', (event) => event.preventDefault(), { signal });
  // Registered before the touch begins, because browsers ignore it otherwise: a lifted card must not scroll the page.
  const keepScroll = (event: TouchEvent): void => {
    if (drag?.ghost != null) event.preventDefault();
  };
  board.addEventListener('touchmove', keepScroll, { signal, passive: false });
  return () => {
    end(false);
    closed.abort();
  };
}

function copyOf(card: HTMLElement): HTMLElement {
  const { left, top, width, height } = card.getBoundingClientRect();
  const ghost = card.cloneNode(true) as HTMLElement; // a copy has the type of the original
  for (const element of [ghost, ...ghost.querySelectorAll('[id]')]) element.removeAttribute('id');
  delete ghost.dataset['taskId'];
  ghost.inert = true;
  ghost.ariaHidden = 'true';
  ghost.dataset['ghost'] = '';
  Object.assign(ghost.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  document.body.append(ghost);
  return ghost;
}

function moveGhost({ ghost, x, y, start }: Drag): void {
  if (ghost !== null)
    ghost.style.transform = `translate(${x - start.clientX}px, ${y - start.clientY}px) rotate(1.5deg)`;
}

const horizontalSpan = (element: Element) => {
  const { left, right } = element.getBoundingClientRect();
  return { from: left, to: right };
};
const verticalSpan = (element: Element) => {
  const { top, bottom } = element.getBoundingClientRect();
  return { from: top, to: bottom };
};

function columnAt(board: HTMLElement, x: number): HTMLElement | undefined {
  const columns = [...board.querySelectorAll<HTMLElement>('[data-column]')];
  return columns[nearestSpan(columns.map(horizontalSpan), x)];
}

function placeAt(board: HTMLElement, { taskId, x, y }: Drag): Place | null {
  const column = columnAt(board, x);
  const state = taskStates.find((each): each is TaskState => each === column?.dataset['column']);
  if (column === undefined || state === undefined) return null;
  const cards = [...column.querySelectorAll<HTMLElement>('[data-task-id]')].filter(
    (card) => card.dataset['taskId'] !== taskId,
  );
  return { state, index: indexAt(cards.map(verticalSpan), y) };
}

function scrollAt(board: HTMLElement, { x, y }: Drag): void {
  board.scrollLeft += scrollStep(horizontalSpan(board), x);
  const list = columnAt(board, x)?.querySelector('[data-cards]');
  if (list != null) list.scrollTop += scrollStep(verticalSpan(list), y);
}

/** The click that follows the drop must not open the card. */
function ignoreNextClick(): void {
  window.addEventListener('click', ignore, { capture: true });
  window.setTimeout(() => window.removeEventListener('click', ignore, { capture: true }), 0);
}

function ignore(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}
