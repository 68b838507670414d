import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  retainSearchParams,
} from "@tanstack/react-router";
import { ConversationScreen } from "./conversation-screen.tsx";
import { HomeScreen } from "./home-screen.tsx";
import { LogInScreen, SignUpScreen } from "./auth-screens.tsx";
import { readFilters, type SearchFilters } from "../features/search/filters.ts";
import { NotFound } from "./not-found.tsx";
import { Root } from "./root.tsx";
import { Shell } from "./shell.tsx";

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

const rootRoute = createRootRoute({ component: Root, notFoundComponent: NotFound });

const validateNext = (search: Record<string, unknown>): { next?: string } => {
  const next = text(search["next"]);
  // Only a path of this page: nobody is sent elsewhere by a link to the log-in.
  return next?.startsWith("/") && !next.startsWith("//") ? { next } : {};
};
const logIn = createRoute({
  getParentRoute: () => rootRoute,
  path: "/login",
  component: LogInScreen,
  validateSearch: validateNext,
});
const signUp = createRoute({
  getParentRoute: () => rootRoute,
  path: "/signup",
  component: SignUpScreen,
  validateSearch: validateNext,
});

interface ShellSearch {
  /** The list shows what is archived; it stays so while one looks into it. */
  archive?: true;
}
const shell = createRoute({
  getParentRoute: () => rootRoute,
  id: "shell",
  component: Shell,
  validateSearch: (search: Record<string, unknown>): ShellSearch =>
    search["archive"] === true ? { archive: true } : {},
  search: { middlewares: [retainSearchParams(["archive"])] },
});
const home = createRoute({ getParentRoute: () => shell, path: "/", component: HomeScreen });

const infoPages = ["details", "add", "files", "pins", "invites", "search"] as const;
/** What stands beside a conversation. */
export type InfoPage = (typeof infoPages)[number];

export interface ConversationSearch extends SearchFilters {
  /** The seq of the message to show. */
  at?: number;
  /** What the details pane shows. */
  info?: InfoPage;
  /** The words that were searched for, to be marked in the message `at`. */
  find?: string;
  /** The file that the lightbox shows. */
  photo?: string;
}
const conversation = createRoute({
  getParentRoute: () => shell,
  path: "/c/$id",
  component: ConversationScreen,
  validateSearch: (search: Record<string, unknown>): ConversationSearch => {
    const at = Number(search["at"]);
    const info = infoPages.find((page) => page === search["info"]);
    const find = text(search["find"]);
    const photo = text(search["photo"]);
    return {
      ...(Number.isSafeInteger(at) && at > 0 ? { at } : {}),
      ...(info ? { info } : {}),
      ...(find === undefined ? {} : { find }),
      ...(photo === undefined ? {} : { photo }),
      ...readFilters(search),
    };
  },
});

const newChat = createRoute({
  getParentRoute: () => shell,
  path: "/new",
  component: lazyRouteComponent(() => import("./people-screens.tsx"), "NewChatScreen"),
});
const newGroup = createRoute({
  getParentRoute: () => shell,
  path: "/new/group",
  component: lazyRouteComponent(() => import("./people-screens.tsx"), "NewGroupScreen"),
});
const join = createRoute({
  getParentRoute: () => shell,
  path: "/join",
  component: lazyRouteComponent(() => import("./join-screen.tsx"), "JoinScreen"),
});
const settings = createRoute({
  getParentRoute: () => shell,
  // One route for the index and its pages: going from one to the other keeps what has the focus.
  path: "/settings/{-$page}",
  component: lazyRouteComponent(() => import("./settings-screens.tsx"), "SettingsScreen"),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    logIn,
    signUp,
    shell.addChildren([home, conversation, newChat, newGroup, join, settings]),
  ]),
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
