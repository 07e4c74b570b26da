space s {
  input image: [3, 32, 32]
  choose op in { conv3: conv_bn(k = 3), conv5: conv_bn(k = 5) }
  y = image >> op() if op == "conv7" else image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
