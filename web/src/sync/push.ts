import {
  useMutation,
  type UseMutationResult,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from "@tanstack/react-query";
import { api } from "../wire/api.ts";
import { ApiError } from "../wire/errors.ts";
import type { PushSubscriptionInfo } from "../wire/types.ts";
import { keys } from "./keys.ts";

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** Whether this browser can be told of messages while no page is open. */
export function canPush(): boolean {
  return "serviceWorker" in navigator && "PushManager" in window;
}

/** Nothing of somebody who signed out stays on the screen or comes later: the server has forgotten this device already. */
export async function silenceDevice(): Promise<void> {
  const registration = await (navigator as Partial<Navigator>).serviceWorker?.getRegistration();
  if (!registration) return;
  for (const shown of await registration.getNotifications()) shown.close();
  const subscription = await registration.pushManager.getSubscription();
  await subscription?.unsubscribe();
}

async function worker(): Promise<ServiceWorkerRegistration> {
  const registration = await navigator.serviceWorker.getRegistration();
  if (!registration?.active) throw new ApiError("unavailable");
  return registration;
}

/** Where this person's devices are told of messages, and how that went. */
export function usePush(): UseQueryResult<{ enabled: boolean; publicKey: string; devices: PushSubscriptionInfo[] }> {
  return useQuery({
    queryKey: keys.push,
    queryFn: async ({ signal }) => {
      const [server, subscriptions] = await Promise.all([api.push({ signal }), api.pushSubscriptions({ signal })]);
      return { enabled: server.enabled, publicKey: server.public_key, devices: subscriptions.items };
    },
  });
}

/** Has the server tell this device. Throws what the browser says, and ApiError. */
export function useStartPush(): UseMutationResult<unknown, Error, { publicKey: string; content: boolean }> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ publicKey, content }: { publicKey: string; content: boolean }) => {
      const registration = await worker();
      const subscription = await registration.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: bytesOf(publicKey),
      });
      const { endpoint, keys: secrets } = subscription.toJSON();
      return api.addPush({
        endpoint: endpoint ?? "",
        keys: { p256dh: secrets?.["p256dh"] ?? "", auth: secrets?.["auth"] ?? "" },
        content,
      });
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.push }),
  });
}

/** Stops telling a device. */
export function useStopPush(): UseMutationResult<unknown, Error, PushSubscriptionInfo> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ id, current }: PushSubscriptionInfo) => {
      await api.removePush(id);
      if (!current) return;
      const registration = await navigator.serviceWorker.getRegistration();
      const subscription = await registration?.pushManager.getSubscription();
      await subscription?.unsubscribe();
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.push }),
  });
}

export function useSetPushContent(): UseMutationResult<unknown, Error, { id: string; content: boolean }> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, content }: { id: string; content: boolean }) => api.setPushContent(id, content),
    onSettled: () => client.invalidateQueries({ queryKey: keys.push }),
  });
}

/** Sends a notification to try whether they come. */
export function useTestPush(): UseMutationResult<unknown, Error, string> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: api.testPush,
    onSettled: () => client.invalidateQueries({ queryKey: keys.push }),
  });
}
