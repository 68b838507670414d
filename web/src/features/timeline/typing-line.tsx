import { useT } from "../../lib/i18n/i18n.ts";
import { useNames, useTyping } from "../../sync/queries.ts";

/** Who is writing right now. Its place is always there: nothing moves when somebody begins. */
export function TypingLine({ conversationId }: { conversationId: string }) {
  const t = useT();
  const typists = useTyping(conversationId);
  const [name = "", other = ""] = useNames(typists.slice(0, 2));
  const text =
    typists.length === 0
      ? ""
      : typists.length === 1
        ? t("chat.typing.one", { name })
        : typists.length === 2
          ? t("chat.typing.two", { name, other })
          : t("chat.typing.many");
  return (
    <div className="flex h-5 items-center gap-2 px-5 text-xs text-base-content/70">
      {text !== "" && (
        <>
          <span className="flex gap-0.5" aria-hidden="true">
            {[0, 200, 400].map((delay) => (
              <span
                key={delay}
                style={{ animationDelay: `${String(delay)}ms` }}
                className="typing-dot size-1.5 rounded-full bg-primary"
              />
            ))}
          </span>
          <bdi className="truncate">{text}</bdi>
        </>
      )}
    </div>
  );
}
