/** Shows on the tab's icon that something is unread, and how much on the icon of the installed client. */
export function showUnread(count: number): void {
  document.querySelector("link[rel=icon]")?.setAttribute("href", count > 0 ? "/icon-unread.svg" : "/icon.svg");
  // Only some browsers and systems have such a mark; others refuse it where nothing is installed.
  if (!("setAppBadge" in navigator)) return;
  void (count > 0 ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => undefined);
}
