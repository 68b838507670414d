/** Whether a file is a voice message that was recorded here: by its name, for servers and browsers disagree about the type of such files. */
export function isVoice(file: { name: string; mime: string; size: number }): boolean {
  return (
    /^voice-\d{8}-\d{6}\.(?:webm|ogg|m4a)$/.test(file.name) &&
    /^(?:audio|video|application)\/(?:webm|ogg|mp4|x-m4a)/.test(file.mime) &&
    file.size <= maxBytes
  );
}

/** Ten minutes at what recorders make of speech, and then some. */
const maxBytes = 8 * 1024 * 1024;
