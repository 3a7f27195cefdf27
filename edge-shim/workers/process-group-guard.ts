/**
 * Loaded into a supervised child (`node --import`): when the parent is gone, however it went, the channel to it closes,
 * and this ends the whole process group, so that no workerd is left behind on the port.
 */
process.channel?.unref();
process.on("disconnect", () => process.kill(-process.pid, "SIGKILL"));
