import { type LinkComponentProps, Link, type NavigateOptions, useRouter } from "@tanstack/react-router";
import { createContext, type MouseEvent, use } from "react";
import type { Trail } from "../lib/trail.ts";

/** Where this tab has been; `app` follows the router. */
export const TrailContext = createContext<Trail | undefined>(undefined);

/**
 * Leaves a page for the one above it: if one came from there, by going back, so that the browser's own way
 * back leads on from there instead of into what was just left.
 */
export function useWayUp(): (to: NavigateOptions) => void {
  const router = useRouter();
  const trail = use(TrailContext);
  return (to) => {
    const steps = trail?.stepsTo(router.buildLocation(to).href) ?? 0;
    if (steps > 0) router.history.go(-steps);
    else void router.navigate({ ...to, replace: true });
  };
}

/** A link to the page above: see `useWayUp`. */
export function UpLink(props: LinkComponentProps) {
  const router = useRouter();
  const trail = use(TrailContext);
  const onClick = (event: MouseEvent<HTMLAnchorElement>): void => {
    // In another tab it is a link like any other.
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const { pathname, search } = event.currentTarget;
    const steps = trail?.stepsTo(pathname + search) ?? 0;
    if (steps === 0) return;
    event.preventDefault();
    router.history.go(-steps);
  };
  return <Link {...props} replace onClick={onClick} />;
}
