/** What is known of a conversation while it opens. */
export interface Known {
  /** How far the server said that the log goes; undefined while only what the device kept is known. */
  told: number | undefined;
  /** How far it was read on other devices when the server said so; 0 if it was not, or nobody knows. */
  toldRead: number;
  lastSeq: number;
  readSeq: number;
  unread: number;
  /** Up to where the log is here; undefined before anything of it is. */
  head: number | undefined;
  /** The first message of others after a seq: its seq, Infinity if there is none, undefined if it is not loaded. */
  firstAfter: (seq: number) => number | undefined;
}

interface Waiting {
  /** What came up to here came before the page was told of it; undefined until the server has said how far the log goes. */
  to: number | undefined;
  /** Up to where it was read when the conversation was chosen. */
  read: number;
  /** Where the "New" line stands, if that was clear when the conversation was chosen. */
  clear: number | null | undefined;
  /** The person looks around: the view is theirs. */
  moved: boolean;
}

/**
 * Where a conversation opens: at the first message that came before the person
 * opened it and is unread, else at the end. Nothing but facts decides about it:
 * how far the log went when the server first spoke of it, or when the person
 * chose the conversation; what is behind that is live and moves nobody.
 */
export interface Opening {
  /** Grows with each place that the view is to go to. */
  turn: number;
  /** `stay`: the person is where they want to be, and does not follow the end from there. */
  aim: "end" | "unread" | "stay";
  /** The "New" line stands after this seq. */
  after: number | null;
  /**
   * The log was here up to this seq when the conversation was first drawn, and the rest of it had to come.
   * Until the view goes where it belongs nothing behind it is shown, or it would be read by opening.
   */
  kept: number | undefined;
  waits: Waiting | undefined;
}

/** The person chose a conversation; `elsewhere` if they go to a message of it. */
export function open(known: Known, elsewhere: boolean): Opening {
  const after = known.unread > 0 ? known.readSeq : null;
  if (elsewhere) return { turn: 0, aim: "end", after, kept: undefined, waits: undefined };
  const isClear = known.told !== undefined && known.told <= known.lastSeq;
  const to = known.told === undefined ? undefined : Math.max(known.told, known.lastSeq);
  const waits = { to, read: known.readSeq, clear: isClear ? after : undefined, moved: false };
  return learn({ turn: 0, aim: after === null ? "end" : "unread", after, kept: undefined, waits }, known);
}

/** More is known. What changes nothing gives the very same opening. */
export function learn(opening: Opening, known: Known): Opening {
  const { waits } = opening;
  if (!waits || known.head === undefined) return opening;
  const to = waits.to ?? known.told;
  if (to !== undefined && known.head >= to && known.lastSeq >= to) return decide(opening, waits, to, known);
  const kept = opening.kept ?? known.head;
  if (to === waits.to && kept === opening.kept) return opening;
  // What is unread may all be still to come.
  const aim = opening.after !== null && opening.after < kept ? opening.aim : "end";
  return { ...opening, aim, kept, waits: { ...waits, to } };
}

/**
 * The line stands before what nobody had read when the server first spoke of it. What is read
 * here by opening it keeps its line, and so does what another device reads from then on.
 */
function lineAfter(opening: Opening, waits: Waiting, to: number, known: Known): number | null {
  if (waits.clear !== undefined) return waits.clear;
  const read = Math.max(waits.read, known.toldRead);
  const first = known.firstAfter(read);
  if (first !== undefined && first > to) return null;
  const isThere = opening.after !== null && first !== undefined && known.firstAfter(opening.after) === first;
  return isThere ? opening.after : read;
}

function decide(opening: Opening, waits: Waiting, to: number, known: Known): Opening {
  const after = lineAfter(opening, waits, to, known);
  const decided = { ...opening, waits: undefined };
  const aim = after === null ? "end" : "unread";
  if (opening.kept === undefined) return { ...decided, aim, after };
  const missed = opening.kept < to && after !== null;
  const isRight = opening.after === null || opening.after === after;
  // Nothing was missed, or read elsewhere: the view stays where it opened, and so does a line that is on it.
  if (!missed && isRight) return decided;
  return { ...decided, turn: opening.turn + 1, aim: waits.moved ? "stay" : aim, after };
}

/** The person scrolls, touches or walks through the messages. */
export function moved(opening: Opening): Opening {
  const { waits } = opening;
  if (waits) return waits.moved ? opening : { ...opening, waits: { ...waits, moved: true } };
  // It is clear where to go, but what is there may still have to come: nobody is taken there then.
  return opening.turn > 0 && opening.aim === "unread" ? { ...opening, aim: "stay" } : opening;
}

/** The person sent something: they have seen what is before it, and are at the end. */
export function sent(opening: Opening): Opening {
  return opening.waits || opening.after !== null ? { ...opening, after: null, waits: undefined } : opening;
}

/** The person goes to a message, or to the end, by themselves. */
export function left(opening: Opening): Opening {
  return opening.waits ? { ...opening, waits: undefined } : opening;
}

/** The person looks away from a conversation of which all is read: what comes then is new. */
export function lookedAway(opening: Opening, lastSeq: number): Opening {
  return opening.waits || opening.after === lastSeq ? opening : { ...opening, after: lastSeq };
}

/** How the view stands in a frame, while it is brought to where it opens. */
export interface Frame {
  /** Every row on screen has its final height. */
  measured: boolean;
  /** The target is where it should be. */
  inPlace: boolean;
}

/** So many frames in a row have to be right before the view is let go of. */
const rightFrames = 2;

/** How many frames have been right in a row; `done` once they are enough, and for good. */
export function aimed(right: number, frame: Frame): { right: number; pull: boolean; done: boolean } {
  const next = frame.measured && frame.inPlace ? right + 1 : 0;
  return { right: next, pull: !frame.inPlace, done: next >= rightFrames };
}
