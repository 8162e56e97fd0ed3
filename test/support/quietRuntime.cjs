// Loaded before every test: some import the runtime directly, and its official builds report usage to their maker unless
// this is set before they load.
process.env.ORT_DISABLE_TELEMETRY = '1';
