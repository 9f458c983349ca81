// Drives the official npm SDK. Standard input: {"package": folder, "baseURL": url, "apiKey": key, "requests": [...]}.
// Standard output: a JSON array with, for each request, what the SDK made of the answer and what Reflex said of it.

import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const { package: folder, baseURL, apiKey, requests } = JSON.parse(await text(process.stdin));
const { OpenAI } = createRequire(join(folder, "of-the-tests.js"))("openai");
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });

async function ask(request) {
  try {
    const { data, response } = await client.chat.completions.create(request).withResponse();
    const told = { status: response.headers.get("x-reflex-status"), id: response.headers.get("x-request-id") };
    if (!request.stream) return { ...told, parsed: data };
    const chunks = [];
    for await (const chunk of data) chunks.push(chunk);
    return { ...told, parsed: chunks };
  } catch (error) {
    return { error: error.constructor.name, code: error.status, message: error.message, body: error.error };
  }
}

// The SDK's own accumulation of a stream, as applications use it.
async function helper(request) {
  const { stream, ...rest } = request;
  return client.chat.completions.stream(rest).finalChatCompletion();
}

const answers = [];
for (const request of requests) {
  const { final, ...body } = request;
  answers.push(final ? await helper(body) : await ask(body));
}
process.stdout.write(JSON.stringify(answers));
