const storageKey = "parley.join";

/**
 * Takes the token of an invitation out of the address: it is a secret, and has
 * to outlast a log-in. It stays in this tab only, until it is used.
 */
export function takeJoinToken(): void {
  if (location.pathname !== "/join" || location.hash.length < 2) return;
  sessionStorage.setItem(storageKey, decodeURIComponent(location.hash.slice(1)));
  history.replaceState(history.state, "", "/join");
}

export function joinToken(): string {
  return sessionStorage.getItem(storageKey) ?? "";
}

export function forgetJoinToken(): void {
  sessionStorage.removeItem(storageKey);
}
