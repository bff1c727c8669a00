// An app on @slack/socket-mode: acknowledges what comes, prints each as a line of JSON, and ends with its input.
// node listens.mjs <api url> <app token>

import { LogLevel, SocketModeClient } from "@slack/socket-mode";

const [slackApiUrl, appToken] = process.argv.slice(2);
const client = new SocketModeClient({ appToken, logLevel: LogLevel.ERROR, clientOptions: { slackApiUrl } });
const say = (heard) => console.log(JSON.stringify(heard));

client.on("interactive", async ({ ack, body }) => {
  await ack();
  say({ type: body.type, action: body.actions?.[0].action_id, user: body.user.id });
});
client.on("slash_commands", async ({ ack, body }) => {
  await ack({ text: `You said: ${body.text}` });
  say({ type: "slash_commands", command: body.command });
});
client.on("message", async ({ ack, event }) => {
  await ack();
  say({ type: "message", text: event.text });
});
client.on("connected", () => say({ type: "connected" }));
process.stdin.on("end", () => client.disconnect().then(() => process.exit(0))).resume();

await client.start();
