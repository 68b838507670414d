import { type Browser, expect, test } from "@playwright/test";
import {
  button,
  expectFlow,
  expectLetGo,
  expectLive,
  newCaller,
  open,
  ring,
  screen,
  two,
  type WatchedWindow,
} from "./callers.ts";
import { expectNoComplaints, type Person, startDirect } from "./people.ts";

// Moving pictures are dear enough without pictures of each step.
test.use({ trace: "off" });

/** Two people in a call by voice. */
async function inCall(browser: Browser): Promise<{ ada: Person; grace: Person }> {
  const { ada, grace } = await two(browser);
  await button(ada, "Voice call").click();
  await button(grace, "Accept").click();
  await expectLive(ada, grace);
  return { ada, grace };
}

interface Seen {
  width: number;
  height: number;
  /** Share of the picture that is of the green of the browser's made-up camera. */
  green: number;
}

/** What somebody sees of the other one: the size of the picture, and what is on it. */
async function seen(person: Person): Promise<Seen | undefined> {
  return screen(person)
    .locator("figure[data-person] video")
    .evaluateAll(([first]) => {
      const video = first as HTMLVideoElement | undefined;
      if (!video || video.videoWidth === 0) return undefined;
      const canvas = new OffscreenCanvas(64, 36);
      const context = canvas.getContext("2d");
      if (!context) return undefined;
      context.drawImage(video, 0, 0, canvas.width, canvas.height);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      let green = 0;
      for (let at = 0; at < data.length; at += 4) {
        const [red = 0, high = 0, blue = 0] = data.subarray(at, at + 3);
        if (high > red + 40 && high > blue + 40) green += 1;
      }
      return { width: video.videoWidth, height: video.videoHeight, green: green / (data.length / 4) };
    });
}

const isGreen = async (person: Person): Promise<boolean | undefined> => {
  const picture = await seen(person);
  return picture && picture.green > 0.3;
};

test("a screen is shared: the other side sees it in place of the camera, and the camera again after it", async ({
  browser,
}) => {
  const { ada, grace } = await inCall(browser);
  const theirs = screen(ada).locator("figure[data-person] video");

  await button(grace, "Share your screen").click();
  await expect(theirs).toBeVisible();
  await expect(theirs).toHaveClass(/object-contain/);
  await expectFlow(ada, "video");
  await expect.poll(() => isGreen(ada), { timeout: 60_000 }).toBe(false);
  await expect(screen(grace).getByText("Your screen", { exact: true })).toBeAttached();
  await button(grace, "Stop sharing your screen").click();
  await expect(theirs).toBeHidden();
  await expect(screen(grace).getByText("Your screen", { exact: true })).toBeHidden();

  // With a camera, the screen takes its place for as long as it is shared.
  await button(grace, "Turn the camera on").click();
  await expect.poll(() => isGreen(ada), { timeout: 60_000 }).toBe(true);
  await expect(theirs).toHaveClass(/object-cover/);
  await button(grace, "Share your screen").click();
  await expect.poll(() => isGreen(ada), { timeout: 60_000 }).toBe(false);
  await expect(theirs).toHaveClass(/object-contain/);
  // The browser has a button of its own that stops it.
  await grace.page.evaluate(() => {
    for (const track of (window as unknown as WatchedWindow).watched.media) {
      if ("displaySurface" in track.getSettings() && track.readyState === "live") {
        track.stop();
        track.dispatchEvent(new Event("ended"));
      }
    }
  });
  await expect(button(grace, "Share your screen")).toBeVisible();
  await expect.poll(() => isGreen(ada), { timeout: 60_000 }).toBe(true);
  await expect(theirs).toHaveClass(/object-cover/);

  await button(grace, "Hang up").click();
  await expectLetGo(grace);
  await expectLetGo(ada);
  expectNoComplaints(ada, grace);
});

test("a screen that the browser does not give: plain words, the call goes on, and the words go", async ({
  browser,
}) => {
  const { ada, grace } = await inCall(browser);
  // What a browser says to who closes its question, and what a system says that forbids it.
  await grace.page.evaluate(() => {
    navigator.mediaDevices.getDisplayMedia = () =>
      Promise.reject(new DOMException("Permission denied", "NotAllowedError"));
  });
  await button(grace, "Share your screen").click();
  const alert = screen(grace).getByRole("alert");
  await expect(alert).toHaveText("Nothing is shared: the browser did not allow it.");
  await expect(button(grace, "Share your screen")).toBeVisible();
  await expectLive(grace);
  await button(grace, "Close").click();
  await expect(alert).toBeHidden();

  await grace.page.evaluate(() => {
    navigator.mediaDevices.getDisplayMedia = () =>
      Promise.reject(new DOMException("Could not start", "NotReadableError"));
  });
  await button(grace, "Share your screen").click();
  await expect(alert).toHaveText("The screen could not be shared.");
  // Whatever is done next takes the words away.
  await button(grace, "Turn the camera on").click();
  await expect(alert).toBeHidden();
  await expectFlow(ada, "video");
  expectNoComplaints(ada, grace);
});

test("picture in picture and full screen", async ({ browser }) => {
  const { ada, grace } = await inCall(browser);
  // Without a picture there is nothing to put into a window.
  await expect(button(ada, "Picture in picture")).toBeHidden();
  await button(grace, "Turn the camera on").click();
  await expectFlow(ada, "video");

  const isFull = (): Promise<boolean> =>
    ada.page.evaluate(() => document.fullscreenElement?.getAttribute("role") === "dialog");
  await button(ada, "Full screen").click();
  await expect.poll(isFull).toBe(true);
  await button(ada, "Leave full screen").click();
  await expect.poll(isFull).toBe(false);

  await button(ada, "Picture in picture").click();
  const inWindow = (): Promise<boolean> =>
    ada.page.evaluate(() => {
      const video = document.pictureInPictureElement as HTMLVideoElement | null;
      return video !== null && video.readyState >= 2 && !video.paused;
    });
  await expect.poll(inWindow).toBe(true);
  // The page is free meanwhile, and the call goes on in it, small.
  await expect(screen(ada)).toBeHidden();
  await expect(ada.page.getByRole("region", { name: "Call with Grace Hopper" })).toBeVisible();
  await expectFlow(ada, "video");
  await button(grace, "Hang up").click();
  await expect.poll(() => ada.page.evaluate(() => document.pictureInPictureElement)).toBeNull();
  expectNoComplaints(ada, grace);
});

test("where the browser has no picture in picture, none is offered, and the small call shows the picture", async ({
  browser,
}) => {
  const ada = await newCaller(browser, "Ada Lovelace");
  await ada.context.addInitScript(() => {
    Object.defineProperty(document, "pictureInPictureEnabled", { value: false });
    Object.defineProperty(document, "fullscreenEnabled", { value: false });
  });
  const grace = await newCaller(browser, "Grace Hopper");
  const id = await startDirect(ada, grace);
  await open(grace, id);
  await button(grace, "Video call").click();
  await button(ada, "With camera").click();
  await expectLive(ada, grace);
  await expectFlow(ada, "video");
  await expect(button(ada, "Picture in picture")).toBeHidden();
  await expect(button(ada, "Full screen")).toBeHidden();
  await button(ada, "Make the call small").click();
  const small = ada.page.getByRole("region", { name: "Call with Grace Hopper" }).locator("video");
  await expect(small).toBeVisible();
  await expect.poll(() => small.evaluate((video: HTMLVideoElement) => video.videoWidth)).toBeGreaterThan(0);
});

test("another camera and another microphone are chosen in a call, and remembered", async ({ browser }) => {
  const { ada, grace } = await two(browser);
  await button(ada, "Video call").click();
  await button(grace, "With camera").click();
  await expectLive(ada, grace);
  await expectFlow(ada, "video");
  const sent = (kind: "audio" | "video"): Promise<string | undefined> =>
    grace.page.evaluate((wanted) => {
      const [peer] = (window as unknown as WatchedWindow).watched.peers;
      return peer?.getSenders().find(({ track }) => track?.kind === wanted)?.track?.label;
    }, kind);
  expect(await sent("video")).toBe("fake_device_0");
  await button(grace, "Devices").click();
  const camera = grace.page.getByRole("combobox", { name: "Camera", exact: true });
  await expect(camera.getByRole("option")).toHaveText(["fake_device_0", "fake_device_1"]);
  await camera.selectOption("fake_device_1");
  await expect.poll(() => sent("video")).toBe("fake_device_1");
  // The browser's second made-up camera gives pictures of a kind that it cannot send, so what flows is the first one's.
  await camera.selectOption("fake_device_0");
  await expect.poll(() => sent("video")).toBe("fake_device_0");
  await expectFlow(ada, "video");
  await camera.selectOption("fake_device_1");
  await expect.poll(() => sent("video")).toBe("fake_device_1");
  const microphone = grace.page.getByRole("combobox", { name: "Microphone", exact: true });
  await microphone.selectOption("Fake Audio Input 2");
  await expect.poll(() => sent("audio")).toBe("Fake Audio Input 2");
  await expectFlow(ada, "audio");
  await grace.page.getByRole("combobox", { name: "Loudspeaker" }).selectOption("Fake Audio Output 2");
  await grace.page.keyboard.press("Escape");
  await expect(screen(grace)).toBeVisible();
  await button(grace, "Hang up").click();
  await expectLetGo(grace);

  // The next call begins with them.
  await button(ada, "Call again").first().click();
  await button(grace, "With camera").click();
  await expectLive(ada, grace);
  await expectFlow(ada, "audio");
  const last = (): Promise<string[]> =>
    grace.page.evaluate(() =>
      (window as unknown as WatchedWindow).watched.media
        .filter(({ readyState }) => readyState === "live")
        .map(({ label }) => label)
        .sort(),
    );
  await expect.poll(last).toEqual(["Fake Audio Input 2", "fake_device_1"]);
  expectNoComplaints(ada, grace);
});

test("a poor connection is said, and its pictures get smaller", async ({ browser }) => {
  const { ada, grace } = await two(browser);
  // What the browser counts of the other side, with more lost than there is.
  await grace.page.evaluate(() => {
    const state = window as unknown as { lossy: boolean };
    state.lossy = false;
    const Original = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Original {
      override async getStats(): Promise<RTCStatsReport> {
        const report = await super.getStats();
        if (!state.lossy) return report;
        const lost = { id: "lost", type: "remote-inbound-rtp", fractionLost: 0.2, timestamp: 0 };
        return new Map<string, unknown>([...report, ["lost", lost]]);
      }
    };
  });
  await button(ada, "Video call").click();
  await expect(ring(grace)).toBeVisible();
  await button(grace, "With camera").click();
  await expectLive(ada, grace);
  await expectFlow(ada, "video");
  const limit = (): Promise<number | undefined> =>
    grace.page.evaluate(() => {
      const [peer] = (window as unknown as WatchedWindow).watched.peers;
      return peer
        ?.getSenders()
        .find(({ track }) => track?.kind === "video")
        ?.getParameters().encodings[0]?.maxBitrate;
    });
  await expect.poll(limit).toBe(1_500_000);
  await grace.page.evaluate(() => {
    (window as unknown as { lossy: boolean }).lossy = true;
  });
  await expect(screen(grace)).toContainText("Poor connection");
  await expect.poll(limit).toBe(100_000);
  await expect.poll(async () => (await seen(ada))?.height, { timeout: 60_000 }).toBeLessThanOrEqual(180);
  await grace.page.evaluate(() => {
    (window as unknown as { lossy: boolean }).lossy = false;
  });
  await expect(screen(grace)).toContainText(/(Good|Fair) connection/);
});
