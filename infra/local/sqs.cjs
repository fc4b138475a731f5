// Starts the SQS of the local stack on a free port of this machine, and says where on its first line.
"use strict";
const { createSqsServer } = require("local-aws-sqs");

const [region, accountId] = process.argv.slice(2);
createSqsServer({ port: 0, hostname: "127.0.0.1", region, accountId, emulateQueueCreationLifecycle: false }).then((server) => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
