import { ApiError } from "./errors.ts";
import { errorOfAnswer } from "./rest.ts";
import type { Attachment } from "./types.ts";

export interface UploadOptions {
  signal: AbortSignal;
  /** Called with the share that is sent, 0 to 1. */
  onProgress: (share: number) => void;
}

/** Sends a file. Rejects with ApiError, or with the abort reason of the signal. */
export function uploadFile(file: Blob, name: string, options: UploadOptions): Promise<Attachment> {
  return new Promise((resolve, reject) => {
    const { signal } = options;
    // fetch tells nothing about the progress of an upload; XMLHttpRequest does.
    const xhr = new XMLHttpRequest();
    const abort = (): void => {
      xhr.abort();
    };
    const settle = (action: () => void) => (): void => {
      signal.removeEventListener("abort", abort);
      action();
    };
    xhr.open("POST", "/api/v1/files");
    xhr.setRequestHeader("accept", "application/json");
    xhr.upload.onprogress = (event) => {
      if (event.lengthComputable) options.onProgress(event.loaded / event.total);
    };
    xhr.onload = settle(() => {
      if (xhr.status >= 200 && xhr.status < 300) resolve(JSON.parse(xhr.responseText) as Attachment);
      else reject(errorOfAnswer(xhr.status, xhr.responseText));
    });
    xhr.onerror = settle(() => {
      reject(new ApiError("offline"));
    });
    xhr.onabort = settle(() => {
      reject(signal.reason instanceof Error ? signal.reason : new DOMException("aborted", "AbortError"));
    });
    if (signal.aborted) {
      xhr.onabort(new ProgressEvent("abort"));
      return;
    }
    signal.addEventListener("abort", abort);
    const form = new FormData();
    form.append("file", file, name);
    xhr.send(form);
  });
}
