import { EllipsisVertical } from "lucide-react";
import { useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { personName } from "../../sync/naming.ts";
import { usePresence } from "../../sync/queries.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { IconButton } from "../../ui/icon-button.tsx";
import { Menu, type MenuItem, type Point, pointBelow } from "../../ui/menu.tsx";
import type { Member, Role } from "../../wire/types.ts";

const rank: Record<Role, number> = { owner: 3, admin: 2, member: 1 };

/** What one member may do to another: up to one's own rank, with people of a lower rank. */
export function rightsOver(mine: Role, theirs: Role): { roles: Role[]; remove: boolean } {
  const may = rank[mine] >= rank.admin && rank[mine] > rank[theirs];
  const roles = (["owner", "admin", "member"] as const).filter((role) => role !== theirs && rank[role] <= rank[mine]);
  return { roles: may ? roles : [], remove: may };
}

interface MemberRowProps {
  member: Member;
  me: string;
  myRole: Role;
  onWrite: () => void;
  onRole: (role: Role) => void;
  onRemove: () => void;
}

export function MemberRow({ member, me, myRole, onWrite, onRole, onRemove }: MemberRowProps) {
  const t = useT();
  const { user, role } = member;
  const online = usePresence(user.id)?.online;
  const [menu, setMenu] = useState<Point>();
  const name = personName(user);
  const rights = rightsOver(myRole, role);
  const roleActions: Record<Role, string> = {
    owner: t("details.makeOwner"),
    admin: t("details.makeAdmin"),
    member: t("details.makeMember"),
  };
  const items: MenuItem[] = [
    { label: t("details.message"), onSelect: onWrite },
    ...rights.roles.map((next) => ({
      label: roleActions[next],
      onSelect: () => {
        onRole(next);
      },
    })),
    ...(rights.remove ? [{ label: t("details.remove"), danger: true, onSelect: onRemove }] : []),
  ];
  return (
    <div className="flex items-center gap-3 rounded-box px-3 py-1.5 hover:bg-base-200">
      <Avatar name={name} seed={user.id} src={user.avatar_url} online={online} />
      <span className="min-w-0 flex-1">
        <span className="flex items-center gap-1">
          <bdi className="truncate font-medium">{name}</bdi>
          {user.id === me && <span className="text-sm text-base-content/70">({t("details.you")})</span>}
        </span>
        <bdi className="block truncate text-sm text-base-content/70">@{user.username}</bdi>
      </span>
      {role !== "member" && (
        <span className={`badge badge-sm ${role === "owner" ? "badge-primary" : "badge-neutral"}`}>
          {t(`details.role.${role}`)}
        </span>
      )}
      {user.id !== me && (
        <IconButton
          label={t("details.actions", { name })}
          icon={<EllipsisVertical size={18} />}
          onClick={(event) => {
            setMenu(pointBelow(event.currentTarget));
          }}
        />
      )}
      {menu && (
        <Menu
          label={t("details.actions", { name })}
          at={menu}
          items={items}
          onClose={() => {
            setMenu(undefined);
          }}
        />
      )}
    </div>
  );
}
