/** What one family of languages looks like, as far as colours go. */
export interface Language {
  /** Regular expression sources; each is tried at every place, in this order. None may match the empty text. */
  comment?: string;
  string?: string;
  keywords: ReadonlySet<string>;
  /** Whether the words of the language may be written in any case. */
  anyCase?: boolean;
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

const double = '"(?:[^"\\\\\\n]|\\\\.)*"?';
const single = "'(?:[^'\\\\\\n]|\\\\.)*'?";
const back = "`(?:[^`\\\\]|\\\\.)*`?";
const triple = "\"\"\"[^]*?(?:\"\"\"|$)|'''[^]*?(?:'''|$)";
const slashes = "//[^\\n]*|/\\*[^]*?(?:\\*/|$)";
const hash = "#[^\\n]*";

const script: Language = {
  comment: slashes,
  string: [double, single, back].join("|"),
  keywords: words(
    "abstract any as async await boolean break case catch class const continue debugger declare default delete do else enum export extends false finally for from function get if implements import in infer instanceof interface is keyof let namespace never new null number object of private protected public readonly return satisfies set static string super switch this throw true try type typeof undefined unknown var void while with yield",
  ),
};
const go: Language = {
  comment: slashes,
  string: [double, single, "`[^`]*`?"].join("|"),
  keywords: words(
    "any append bool break byte cap case chan close const continue copy default defer delete else error fallthrough false float32 float64 for func go goto if import int int16 int32 int64 int8 interface iota len make map new nil package panic range recover return rune select string struct switch true type uint uint16 uint32 uint64 uint8 uintptr var",
  ),
};
const rust: Language = {
  comment: slashes,
  string: `${double}|'(?:[^'\\\\\\n]|\\\\.)'`,
  keywords: words(
    "as async await bool box break char const continue crate dyn else enum extern f32 f64 false fn for i128 i16 i32 i64 i8 if impl in isize let loop match mod move mut pub ref return self Self static str struct super trait true type u128 u16 u32 u64 u8 union unsafe use usize where while",
  ),
};
const c: Language = {
  comment: slashes,
  string: [double, single].join("|"),
  keywords: words(
    "abstract alignas auto base bool boolean break byte case catch char class const constexpr continue decltype default delegate delete do double else enum event explicit extends extern false final finally float for foreach friend fun func goto guard if implements import in inline int interface internal is let long mutable namespace native new nil null nullptr object open operator out override package params private protected public readonly record ref return sealed self short signed sizeof static string struct super switch synchronized template this throw throws transient true try typedef typename union unsafe unsigned using val var virtual void volatile when where while yield",
  ),
};
const python: Language = {
  comment: hash,
  string: [triple, double, single].join("|"),
  keywords: words(
    "and as assert async await break case class continue def del elif else except False finally for from global if import in is lambda match None nonlocal not or pass raise return self True try while with yield",
  ),
};
const ruby: Language = {
  comment: hash,
  string: [double, single].join("|"),
  keywords: words(
    "alias and begin break case class def defined? do else elsif end ensure false for if in module next nil not or redo rescue retry return self super then true undef unless until when while yield require attr_accessor attr_reader",
  ),
};
const shell: Language = {
  comment: "(?<![\\w$&{])#[^\\n]*",
  string: `"(?:[^"\\\\]|\\\\.)*"?|'[^']*'?`,
  keywords: words(
    "if then else elif fi for in do done while until case esac function return local export set unset exit echo cd source read shift trap sudo",
  ),
};
const sql: Language = {
  comment: "--[^\\n]*|/\\*[^]*?(?:\\*/|$)",
  string: "'(?:[^']|'')*'?",
  anyCase: true,
  keywords: words(
    "add all alter and any as asc begin between bigint boolean by cascade case check column commit constraint create cross database default delete desc distinct drop else end exists explain false foreign from full group having if in index inner insert int integer into is join key left like limit not null offset on or order outer primary references returning right rollback select serial set table text then timestamp to true truncate union unique update using values varchar view when where with",
  ),
};
const data: Language = {
  string: [double, single].join("|"),
  keywords: words("true false null"),
};
const settings: Language = {
  comment: "(?<!\\S)[#;][^\\n]*",
  string: [double, single].join("|"),
  keywords: words("true false null yes no on off"),
};
const style: Language = {
  comment: "/\\*[^]*?(?:\\*/|$)",
  string: [double, single].join("|"),
  keywords: words("important media supports import layer from to"),
};
const markup: Language = {
  comment: "<!--[^]*?(?:-->|$)",
  string: [double, single].join("|"),
  keywords: words(""),
};
const patch: Language = { keywords: words("") };

/** The languages by the names that people write behind the back ticks. */
export const languages: Readonly<Record<string, Language>> = {
  ...names(script, "js javascript jsx mjs cjs ts typescript tsx"),
  ...names(go, "go golang"),
  ...names(rust, "rust rs"),
  ...names(c, "c h cpp c++ cc hpp cs csharp java kotlin kt swift scala dart php objc groovy proto"),
  ...names(python, "py python python3"),
  ...names(ruby, "rb ruby elixir ex"),
  ...names(shell, "sh bash zsh shell console fish dockerfile docker makefile make"),
  ...names(sql, "sql postgres postgresql sqlite mysql plsql"),
  ...names(data, "json json5 jsonc"),
  ...names(settings, "yaml yml toml ini conf env properties nginx"),
  ...names(style, "css scss less"),
  ...names(markup, "html xml svg vue svelte"),
  ...names(patch, "diff patch"),
};

function names(language: Language, list: string): Record<string, Language> {
  return Object.fromEntries(list.split(" ").map((name) => [name, language]));
}

export { markup, patch };
