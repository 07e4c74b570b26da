space s {
  input image: [3, 32, 32]
  width w in {4, 6, 8}
  x = image >> conv_bn_relu(w, k = 1) >> shuffle(4)
  y = image >> conv_bn_relu(2 * w, k = 1) >> conv_bn(16, k = 3, groups = 8)
  z = image >> conv_bn_relu(8, k = 1) >> slice(end = 1/4) >> conv_bn(w, k = 3, groups = 2) >> slice(1/8)
  task t = concat(x, y, z) >> global_avg_pool() >> linear(10) { loss cross_entropy() }
}
