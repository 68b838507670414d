import { type SubmitEvent, useId, useState } from "react";
import { characters, firstCharacters } from "../../lib/characters.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useSetMyAvatar } from "../../sync/group-queries.ts";
import { useUpdateMe } from "../../sync/mutations.ts";
import { useMe } from "../../sync/queries.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { AvatarButton } from "../../ui/avatar-button.tsx";
import { Field } from "../../ui/field.tsx";
import { toast } from "../../ui/toasts.tsx";
import { asApiError } from "../../wire/errors.ts";

const usualName = 64;
const usualBio = 500;

/** How others see this person. */
export function Profile() {
  const t = useT();
  const me = useMe();
  const bioId = useId();
  const update = useUpdateMe();
  const setAvatar = useSetMyAvatar();
  const { display_name_chars: maxName = usualName, bio_chars: maxBio = usualBio } = me.limits;
  const [name, setName] = useState(me.display_name);
  const [bio, setBio] = useState(me.bio);
  const changed = name.trim() !== me.display_name || bio.trim() !== me.bio;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    update.mutate(
      { display_name: name.trim(), bio: bio.trim() },
      {
        onSuccess: () => {
          toast(t("app.saved"));
        },
      },
    );
  };
  const fields = update.error ? asApiError(update.error).fields : {};
  return (
    <form onSubmit={submit} className="space-y-4">
      <div className="flex items-center gap-4">
        <AvatarButton
          has={me.avatar_id !== undefined}
          busy={setAvatar.isPending}
          error={setAvatar.error ? t(errorKey(setAvatar.error)) : undefined}
          onChange={(picture, done) => {
            setAvatar.mutate(picture, { onSuccess: done });
          }}
        >
          <Avatar name={name || me.username} seed={me.id} src={me.avatar_url} size="xl" />
        </AvatarButton>
        <p className="min-w-0 flex-1 truncate text-base-content/70">
          <bdi>@{me.username}</bdi>
        </p>
      </div>
      <Field
        label={t("auth.displayName")}
        autoComplete="name"
        error={fields["display_name"]}
        value={name}
        onChange={(event) => {
          setName(firstCharacters(event.target.value, maxName));
        }}
      />
      <div>
        <label htmlFor={bioId} className="mb-1 block text-sm font-medium">
          {t("settings.profile.bio")}
        </label>
        <textarea
          id={bioId}
          dir="auto"
          rows={3}
          className="textarea w-full"
          aria-describedby={`${bioId}-hint`}
          value={bio}
          onChange={(event) => {
            setBio(firstCharacters(event.target.value, maxBio));
          }}
        />
        <p id={`${bioId}-hint`} className="mt-1 text-xs text-base-content/70">
          {fields["bio"] ?? t("settings.profile.bio.hint")}
          <span className="float-end tabular-nums">{maxBio - characters(bio)}</span>
        </p>
      </div>
      {update.error && Object.keys(fields).length === 0 && (
        <p role="alert" className="text-sm text-danger">
          {t(errorKey(update.error))}
        </p>
      )}
      <button type="submit" className="btn btn-primary" disabled={!changed || update.isPending}>
        {t("app.save")}
      </button>
    </form>
  );
}
