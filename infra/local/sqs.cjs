// Starts the SQS of the local stack on a free port of this machine, and says where on its first line. It is local-aws-sqs with
// what that gets wrong put right (version 2.0.2; the tests of the stack tell when a later one doesn't need it).
"use strict";
const http = require("node:http");
const { createRequestHandler } = require("local-aws-sqs");

const [region, accountId] = process.argv.slice(2);
const { service, requestHandler } = createRequestHandler({
  region, accountId, hostname: "127.0.0.1", emulateQueueCreationLifecycle: false, queues: [{ QueueName: "only-for-its-prototype" }],
});
const queue = Object.getPrototypeOf(service.Queues.pop());
const { receive, changeVisibility, getAttributes } = queue;

// A long poll ends when there is a message, not when the time is over or the batch is full.
queue.receive = async function (params) {
  const until = Date.now() + 1000 * (params.WaitTimeSeconds ?? this.ReceiveMessageWaitTimeSeconds ?? 0);
  for (;;) {
    const messages = await receive.call(this, { ...params, WaitTimeSeconds: 0 });
    if (messages.length > 0 || Date.now() >= until) return messages;
  }
};

// To change a message's visibility is not to receive it: its count stays, or it would be a dead letter after half its tries. The
// message is private; for the moment of the call, find shows what the queue finds.
queue.changeVisibility = function (handle, timeout) {
  const { find } = Array.prototype;
  let message;
  Array.prototype.find = function (...args) {
    const found = find.apply(this, args);
    if (found?.record?.attributes) message = found;
    return found;
  };
  try {
    return changeVisibility.call(this, handle, timeout);
  } finally {
    Array.prototype.find = find;
    if (message) message.record.attributes.ApproximateReceiveCount = String(message.record.attributes.ApproximateReceiveCount - 1);
  }
};

// Messages in flight aren't among those that are there.
queue.getAttributes = function (names) {
  const attributes = getAttributes.call(this, names);
  if (attributes?.ApproximateNumberOfMessages !== undefined) {
    const { ApproximateNumberOfMessagesNotVisible: inFlight } = getAttributes.call(this, ["ApproximateNumberOfMessagesNotVisible"]);
    attributes.ApproximateNumberOfMessages = String(attributes.ApproximateNumberOfMessages - inFlight);
  }
  return attributes;
};

const server = http.createServer(requestHandler);
server.keepAliveTimeout = 60_000; // the clients' is shorter: neither sends into a connection that the other is closing
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  service.PORT = port;
  console.log(`listening on http://127.0.0.1:${port}`);
});
