INSERT INTO `revision` (`id`, `counter`, `nonce`) VALUES (1, 0, lower(hex(randomblob(8))));
